import { z } from 'zod';
import * as field from '../mandate/fields.ts';

/** Narrower terms for a requested mandate. A field that is left out stays as requested. */
export const NarrowTerms = z
  .object({
    scopes: field.scopesField.optional().describe('Scopes to keep.'),
    resources: field.resourcesField
      .optional()
      .describe('Resources to keep, as they were requested, or person:<id> of a person they cover.'),
    tools: field.toolsField.optional().describe('Tools to keep.'),
    amount: field.amountField.optional().describe('A lower maximum amount per use, in the same currency.'),
    currency: field.currencyField
      .optional()
      .describe('Currency of the amount, if the request had none; otherwise the same.'),
    window: field.windowField.optional().describe('A smaller time window, in the same time zone.'),
    max_uses: field.usesField.optional().describe('A lower maximum number of uses.'),
    days: field.daysField.optional().describe('Fewer days.'),
    may_delegate: field.depthField.optional().describe('Fewer levels of delegation.'),
    offline: z.literal(false).optional().describe('Set to false to stop use while the principal is away.'),
  })
  .strict();

/** The parsed form of `NarrowTerms`. */
export type NarrowTerms = z.infer<typeof NarrowTerms>;

/**
 * What a denier would accept instead: in words, and for a mandate also as terms that can be requested
 * unchanged.
 */
export const Suggestion = z.strictObject({
  words: z
    .string()
    .trim()
    .min(3)
    .max(1000)
    .describe('What would be acceptable. The requester can read this.'),
  terms: NarrowTerms.optional().describe(
    'For a mandate: the exact terms that would be acceptable. The requester can request them with approval_adopt.',
  ),
});

/** The parsed form of `Suggestion`. */
export type Suggestion = z.infer<typeof Suggestion>;
