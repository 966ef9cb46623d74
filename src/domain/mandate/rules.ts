import { denial, type Denial } from '../denial.ts';
import type { Mandate } from './store.ts';
import { windowOpen, windowWords, type MandateWindow } from './window.ts';

type Standing = Pick<Mandate, 'state' | 'startsAt' | 'expiresAt' | 'uses' | 'maxUses' | 'reason'>;

/**
 * Whether a mandate may be used at `now`: null, or the reason why not. Looks at the mandate alone, not at the
 * principal, the agent or the mandates above.
 */
export function mandateStanding(mandate: Standing, now: Date): Denial | null {
  if (mandate.state === 'revoked') {
    return denial(
      'mandate_revoked',
      `This mandate was revoked${mandate.reason === null ? '' : ` (${mandate.reason})`}. Stop; you need a new mandate.`,
    );
  }
  if (mandate.state === 'expired' || mandate.expiresAt <= now)
    return denial('mandate_expired', 'This mandate has ended. Ask the principal for a new one.');
  if (mandate.state === 'frozen')
    return denial(
      'mandate_frozen',
      'This mandate is frozen. It works again when every cause of the freeze is lifted.',
    );
  if (mandate.startsAt > now)
    return denial('mandate_not_started', `This mandate starts at ${mandate.startsAt.toISOString()}.`);
  if (mandate.maxUses !== null && mandate.uses >= mandate.maxUses)
    return denial('uses_exhausted', 'This mandate has no uses left. Ask the principal for a new one.');
  return null;
}

/** Scopes that are asked for but not held, in the order in which they were asked for. */
export const missingScopes = (asked: readonly string[], held: readonly string[]): string[] =>
  asked.filter((scope) => !held.includes(scope));

/** What one use is worth. */
export interface Worth {
  readonly value: number;
  /** ISO 4217: `EUR`. */
  readonly currency: string;
}

/**
 * Whether the window is open at `now`: null, or the reason why not. A window that cannot be evaluated denies.
 */
export function windowDenial(window: MandateWindow | null, now: Date): Denial | null {
  if (window === null) return null;
  const open = windowOpen(window, now);
  if (open === true) return null;
  const why =
    open === false
      ? `This mandate works only ${windowWords(window)}. Try again then.`
      : 'The time window of this mandate cannot be evaluated, so the call is denied. Ask the principal for a new mandate.';
  return denial('outside_window', why, { missing: { window } });
}

/**
 * Whether the amount is within the limit: null, or the reason why not. A use with an unknown worth, or in
 * another currency, is denied.
 */
export function amountDenial(
  limit: { readonly amount: number | string | null; readonly currency: string | null },
  worth: Worth | null,
): Denial | null {
  if (limit.amount === null) return null;
  const most = `${Number(limit.amount)} ${limit.currency ?? ''}`.trim();
  const missing = { missing: { mandate: { amount: worth?.value, currency: worth?.currency } } };
  if (worth === null)
    return denial(
      'amount_exceeded',
      `This mandate is limited to ${most} per use, but this call has no amount. Ask the principal for a mandate without an amount limit.`,
    );
  if (worth.currency !== limit.currency)
    return denial(
      'amount_exceeded',
      `This mandate is limited to amounts in ${limit.currency ?? 'no currency'}, not ${worth.currency}.`,
      missing,
    );
  if (!(worth.value >= 0 && worth.value <= Number(limit.amount)))
    return denial(
      'amount_exceeded',
      `This mandate allows at most ${most} per use. Ask the principal for a mandate that allows more.`,
      missing,
    );
  return null;
}
