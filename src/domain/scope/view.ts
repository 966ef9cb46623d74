import { z } from 'zod';
import type { Scope } from './store.ts';

/** A scope as people see it. */
export const ScopeView = z.object({
  scope: z.string(),
  description: z.string(),
  sensitivity: z.enum(['normal', 'high']),
  holders: z.array(z.string()).describe('Roles that can hold it. Empty: any role.'),
  amount_threshold: z.number().nullable().describe('Mandates above this amount count as high value.'),
  currency: z.string().nullable().describe('ISO 4217.'),
});

/** Makes the view of a scope. */
export const scopeView = (one: Scope): z.infer<typeof ScopeView> => ({
  scope: one.scope,
  description: one.description,
  sensitivity: one.sensitivity,
  holders: [...one.holders],
  amount_threshold: one.amountThreshold === null ? null : Number(one.amountThreshold),
  currency: one.currency,
});
