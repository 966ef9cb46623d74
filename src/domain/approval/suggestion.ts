import { z } from 'zod';
import * as field from '../mandate/fields.ts';

/** Narrower terms for a requested mandate. A field that is left out stays as requested. */
export const NarrowTerms = z
  .object({
    scopes: field.scopesField.optional().describe('The scopes that remain.'),
    resources: field.resourcesField
      .optional()
      .describe('The resources that remain, as they were asked, or person:<id> of somebody whom they cover.'),
    tools: field.toolsField.optional().describe('The tools that remain.'),
    amount: field.amountField.optional().describe('A lower amount for each use, in the same currency.'),
    currency: field.currencyField
      .optional()
      .describe('The currency of an amount where none was asked; otherwise the same.'),
    window: field.windowField.optional().describe('Fewer hours, in the same time zone.'),
    max_uses: field.usesField.optional().describe('Fewer uses.'),
    days: field.daysField.optional().describe('Fewer days.'),
    may_delegate: field.depthField.optional().describe('Fewer levels of handing on.'),
    offline: z.literal(false).optional().describe('false: not while the principal is away.'),
  })
  .strict();

/** The parsed form of `NarrowTerms`. */
export type NarrowTerms = z.infer<typeof NarrowTerms>;

/**
 * What a denier would accept instead: in words, and for a mandate also as terms that can be requested
 * unchanged.
 */
export const Suggestion = z.strictObject({
  words: z.string().trim().min(3).max(1000).describe('What would be acceptable; the requester reads it.'),
  terms: NarrowTerms.optional().describe(
    'For a mandate: exactly what would be. The requester can ask for it with approval_adopt.',
  ),
});

/** The parsed form of `Suggestion`. */
export type Suggestion = z.infer<typeof Suggestion>;
