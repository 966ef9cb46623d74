import type { Denial } from '../denial.ts';
import { epochsOf, hotMandateStanding, partiesStanding, subjectOf, type HotMandate } from './hot-mandate.ts';
import { MANDATE_DETAILS, TOKEN_SECONDS } from './names.ts';
import { OAuthError } from './oauth-error.ts';
import { scopeProblems } from './scope.ts';

/** Who asks for what. */
export interface Asking {
  readonly agentId: string;
  readonly provider: string;
  readonly uid: string;
  /** Scopes asked for, or null: everything that the mandate holds. */
  readonly scopes: readonly string[] | null;
  /** When the subject token ends, in seconds. */
  readonly subjectExpiresAt: number;
}

/** What a delegation token will say. */
export interface Granted {
  readonly mandate: HotMandate;
  readonly scopes: readonly string[];
  /** Seconds since 1970. */
  readonly issuedAt: number;
  readonly expiresAt: number;
}

/** The one answer to a mandate that is not there, or another tenant's, employee's or agent's: which of them, nobody learns. */
const strange = () =>
  new OAuthError(
    'invalid_grant',
    'no_such_mandate',
    'There is no such mandate of this employee for this agent. Ask the employee for one.',
  );

/**
 * Decides an exchange: a pure function of the row that was read after the request came. Result = what was asked for, and all of
 * it, inside mandate and ceiling and the authority that the employee has now, until the first of token life, mandate and
 * subject token ends. Throws OAuthError `invalid_grant` (with `mandate_status` for the mandate's own agent) or `invalid_scope`.
 */
export function grant(row: HotMandate | null, asking: Asking, now: Date): Granted {
  if (
    row === null ||
    row.agent_id !== asking.agentId ||
    row.provider !== asking.provider ||
    row.uid !== asking.uid
  )
    throw strange();
  const parties = partiesStanding(row);
  if (parties !== null) throw unusable(parties, {});
  const mandate = hotMandateStanding(row, now, true);
  if (mandate !== null) throw unusable(mandate, { mandate_status: mandate.code.replace(/^mandate_/, '') });

  const scopes = asking.scopes ?? row.scopes;
  const problems = scopeProblems(scopes, {
    mandate: row.scopes,
    ceiling: row.ceiling,
    authority: row.authority,
  });
  if (problems.length > 0) {
    throw new OAuthError(
      'invalid_scope',
      'scope',
      `Not granted: ${problems.join('; ')}. Ask for less, or have the missing part given.`,
    );
  }
  const issuedAt = Math.floor(now.getTime() / 1000);
  const expiresAt = Math.floor(
    Math.min(issuedAt + TOKEN_SECONDS, row.expires_at.getTime() / 1000, asking.subjectExpiresAt),
  );
  if (expiresAt <= issuedAt) {
    throw new OAuthError(
      'invalid_request',
      'subject_expired',
      'The subject token or the mandate ends this second. Sign the employee in again.',
    );
  }
  return { mandate: row, scopes, issuedAt, expiresAt };
}

/** The mandate's constraints as RFC 9396 authorization details: they travel in token, token response and introspection alike. */
export function authorizationDetails(row: HotMandate): Record<string, unknown>[] {
  return [
    {
      type: MANDATE_DETAILS,
      mandate_id: row.mandate_id,
      resources: row.resources,
      ...(row.tools === null ? {} : { tools: row.tools }),
    },
  ];
}

/** The claims of the delegation token (RFC 9068 section 2.2, RFC 8693 section 4.1). `act` is the authenticated client, nothing else. */
export function delegationClaims(
  granted: Granted,
  tenantId: string,
  issuer: string,
  audience: string,
  jti: string,
): Record<string, unknown> {
  const row = granted.mandate;
  return {
    iss: issuer,
    sub: subjectOf(row),
    aud: audience,
    client_id: row.agent_id,
    iat: granted.issuedAt,
    exp: granted.expiresAt,
    jti,
    scope: granted.scopes.join(' '),
    act: { sub: row.agent_id, iss: issuer, sub_profile: 'ai_agent' },
    mandate_id: row.mandate_id,
    authorization_details: authorizationDetails(row),
    tenant: tenantId,
    epoch: epochsOf(row),
  };
}

const unusable = (why: Denial, extra: Readonly<Record<string, unknown>>): OAuthError =>
  new OAuthError('invalid_grant', why.code, why.message, { extra: { reason: why.code, ...extra } });
