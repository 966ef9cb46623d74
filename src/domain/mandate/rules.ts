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
      `This mandate was revoked${mandate.reason === null ? '' : ` (${mandate.reason})`}. Stop; a new one must be given.`,
    );
  }
  if (mandate.state === 'expired' || mandate.expiresAt <= now)
    return denial('mandate_expired', 'This mandate has ended. The principal can give a new one.');
  if (mandate.state === 'frozen')
    return denial(
      'mandate_frozen',
      'This mandate is frozen. It works again when every cause of the freeze is lifted.',
    );
  if (mandate.startsAt > now)
    return denial('mandate_not_started', `This mandate begins at ${mandate.startsAt.toISOString()}.`);
  if (mandate.maxUses !== null && mandate.uses >= mandate.maxUses)
    return denial('uses_exhausted', 'Every use of this mandate is spent. The principal can give a new one.');
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
      ? `This mandate works ${windowWords(window)} only. Ask again then.`
      : 'The hours of this mandate cannot be evaluated here, so the answer is no. The principal can give a new one.';
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
      `This mandate is limited to ${most} for each use, and this use does not say what it is worth. The principal can give a mandate without an amount.`,
    );
  if (worth.currency !== limit.currency)
    return denial(
      'amount_exceeded',
      `This mandate is limited in ${limit.currency ?? 'no currency'}, not in ${worth.currency}.`,
      missing,
    );
  if (!(worth.value >= 0 && worth.value <= Number(limit.amount)))
    return denial(
      'amount_exceeded',
      `This mandate allows ${most} at most for each use. The principal can give one that allows more.`,
      missing,
    );
  return null;
}
