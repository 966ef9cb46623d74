import { denial, type Denial } from '../denial.ts';
import type { Mandate } from './store.ts';

type Standing = Pick<Mandate, 'state' | 'startsAt' | 'expiresAt' | 'uses' | 'maxUses' | 'reason'>;

/** Whether a mandate may be used at `now`: null, or why not. Looks at the mandate alone, not at principal or agent. */
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

/** Scopes that are asked for but not held, in the order asked. */
export const missingScopes = (asked: readonly string[], held: readonly string[]): string[] =>
  asked.filter((scope) => !held.includes(scope));
