import type { Denial } from '../../denial.ts';
import {
  constraintsOf,
  narrowConstraints,
  type Constraints,
  type Coverage,
  type RequestedDetails,
} from './details.ts';
import { directoryOutdated, isOutdated } from '../../person/standing.ts';
import { epochsOf, hotMandateStanding, partiesStanding, subjectOf, type HotMandate } from './hot-mandate.ts';
import { FROM_BEFORE, FROM_BEFORE_WORDS, isFromBefore } from '../logout/logged-out.ts';
import { MANDATE_DETAILS, TOKEN_SECONDS } from '../names.ts';
import { OAuthError } from '../oauth-error.ts';
import { scopeProblems } from './scope.ts';
import { statusClaim } from '../status-list.ts';

/** One agent that acted, and the one before it (RFC 8693 section 4.1). */
export interface Act {
  readonly sub: string;
  readonly iss: string;
  readonly sub_profile: 'ai_agent';
  readonly act?: Act;
}

/**
 * What a subject token proves and what it limits. Every member except the person can only narrow the result.
 */
export interface Subject {
  /** How it was proved, for the ledger. */
  readonly kind: 'access_token' | 'delegation_token' | 'mandate' | 'id_jag';
  /** The principal at their provider; null if the mandate itself is the subject. */
  readonly person: { readonly provider: string; readonly uid: string } | null;
  readonly scopes: readonly string[] | null;
  readonly constraints: Constraints | null;
  readonly audiences: readonly string[] | null;
  /** When the identity provider issued it, in seconds; null if the provider did not issue it. */
  readonly issuedAt: number | null;
  /** When it ends, in seconds. Null: only the mandate limits the time. */
  readonly expiresAt: number | null;
  /** The mandate that must be the direct parent of the client's mandate, or null. */
  readonly parentMandateId: string | null;
  /** The agents that acted before the client. */
  readonly act: Act | null;
  /** The tokens of ours that it comes from. The new token ends when any of them does. */
  readonly jtis: readonly string[];
  /**
   * Identifies the presented token, however it is encoded (`tokenName`); null if the subject is not a token.
   */
  readonly token: string | null;
}

/** Which agent asks, with which subject, and for what. */
export interface Asking {
  readonly agentId: string;
  readonly subject: Subject;
  /** Scopes asked for. Null: everything that mandate, subject and resource have in common. */
  readonly scopes: readonly string[] | null;
  /** Constraints asked for. Null: those of mandate and subject. */
  readonly details: RequestedDetails | null;
  readonly coverage: Coverage;
  /** Whether a token for the requested resource may carry a scope. */
  readonly carries: (scope: string) => boolean;
}

/** What a delegation token will say. */
export interface Granted {
  readonly mandate: HotMandate;
  readonly scopes: readonly string[];
  readonly constraints: Constraints;
  /** Seconds since 1970. */
  readonly issuedAt: number;
  readonly expiresAt: number;
}

/**
 * The one answer if the mandate is missing or belongs to another tenant, employee or agent, so that nobody
 * learns which.
 */
const strange = () =>
  new OAuthError(
    'invalid_grant',
    'no_such_mandate',
    'No such mandate from this employee to this agent exists. Ask the employee for one.',
  );

/**
 * Every set of constraints that a grant must lie within: those of the mandate, of the mandates above it, and
 * of the subject.
 */
export const boundsOf = (row: HotMandate, subject: Subject): Constraints[] => [
  constraintsOf(row),
  ...row.chain.map(constraintsOf),
  ...(subject.constraints === null ? [] : [subject.constraints]),
];

/**
 * Decides an exchange. Pure function of a row that was read after the request arrived. The result is all that
 * was asked for, or an error if any part lies outside the mandate, the mandates above it, the agent's
 * ceiling, the employee's authority now, the subject or the resource. The token ends with the first of: its
 * own lifetime, the mandates, the subject. Throws OAuthError `invalid_grant` (with `mandate_status` for the
 * mandate's own agent), `invalid_scope`, `invalid_authorization_details`, `invalid_request`, or
 * `temporarily_unavailable` if the data about the employee is too old.
 */
export function grant(row: HotMandate | null, asking: Asking, now: Date): Granted {
  const { subject } = asking;
  if (row === null || !isBetween(row, asking.agentId, subject)) throw strange();
  const parties = partiesStanding(row);
  if (parties !== null) throw unusable(parties, {});
  if (isOutdated({ directoryUntil: row.directory_until }, now)) throw refuseOutdated(row);
  if (subject.issuedAt !== null && isFromBefore(subject.issuedAt, row.tokens_not_before))
    throw fromBefore(subject.kind);
  const mandate = hotMandateStanding(row, now, true);
  if (mandate !== null) throw unusable(mandate, { mandate_status: mandate.code.replace(/^mandate_/, '') });
  if (subject.kind === 'mandate' && !row.offline) {
    throw new OAuthError(
      'invalid_grant',
      'not_offline',
      "This mandate requires a token of the employee. Send it as subject_token, or ask for a mandate that is 'offline'.",
    );
  }
  if (asking.details?.mandateId != null && asking.details.mandateId !== row.mandate_id) {
    throw new OAuthError(
      'invalid_authorization_details',
      'details_mandate',
      'mandate_id in authorization_details differs from the requested mandate.',
    );
  }
  const scopes = grantScopes(row, asking);
  const constraints = narrowConstraints(boundsOf(row, subject), asking.details, asking.coverage);

  const issuedAt = Math.floor(now.getTime() / 1000);
  const ends = [row, ...row.chain].map((mandate) => mandate.expires_at.getTime() / 1000);
  const expiresAt = Math.floor(Math.min(issuedAt + TOKEN_SECONDS, subject.expiresAt ?? Infinity, ...ends));
  if (expiresAt <= issuedAt) {
    throw new OAuthError(
      'invalid_request',
      'subject_expired',
      'The subject token or the mandate is about to end. Sign the employee in again.',
    );
  }
  return { mandate: row, scopes, constraints, issuedAt, expiresAt };
}

/**
 * Whether the mandate was given to this agent, by the principal whom the subject names, and was made from the
 * mandate that the subject comes from, if any. Does not check whether the mandate is in force.
 */
export function isBetween(row: HotMandate, agentId: string, subject: Subject): boolean {
  const { person, parentMandateId } = subject;
  if (row.agent_id !== agentId) return false;
  if (person !== null && (row.provider !== person.provider || row.uid !== person.uid)) return false;
  return parentMandateId === null || row.chain[0]?.mandate_id === parentMandateId;
}

function grantScopes(row: HotMandate, asking: Asking): readonly string[] {
  const { subject } = asking;
  const resource = row.scopes.filter(asking.carries);
  const scopes = asking.scopes ?? resource.filter((scope) => subject.scopes?.includes(scope) !== false);
  const [parent, ...others] = row.chain.flatMap((above) => [above.scopes, above.ceiling]);
  const above = parent?.filter((scope) => others.every((list) => list.includes(scope))) ?? null;
  const { ceiling, authority } = row;
  const problems = scopeProblems(scopes, {
    mandate: row.scopes,
    ceiling,
    authority,
    above,
    subject: subject.scopes,
    resource,
  });
  if (scopes.length === 0)
    problems.push('the mandate, the subject token and the resource have no scope in common');
  if (problems.length === 0) return scopes;
  throw new OAuthError(
    'invalid_scope',
    'scope',
    `Not granted: ${problems.join('; ')}. Request less, or get the missing part granted.`,
  );
}

/**
 * The granted constraints as RFC 9396 authorization details, as the token, the token response and
 * introspection show them.
 */
export function authorizationDetails({ mandate, constraints }: Granted): Record<string, unknown>[] {
  const { resources, tools, amount } = constraints;
  return [
    {
      type: MANDATE_DETAILS,
      mandate_id: mandate.mandate_id,
      resources: resources ?? [],
      ...(tools === null ? {} : { tools }),
      ...(amount === null ? {} : { amount: amount.value, currency: amount.currency }),
    },
  ];
}

/** The parts of a token that do not come from the grant. */
export interface TokenFrame {
  readonly tenantId: string;
  readonly issuer: string;
  readonly audience: string;
  readonly jti: string;
  /**
   * Thumbprint of the key that the token is bound to (RFC 9449 section 6.1). Null: anyone who has the token
   * can use it.
   */
  readonly jkt: string | null;
}

/**
 * The claims of the delegation token (RFC 9068 section 2.2, RFC 8693 section 4.1). The outermost `act` is
 * always the authenticated client.
 */
export function delegationClaims(
  granted: Granted,
  subject: Subject,
  frame: TokenFrame,
): Record<string, unknown> {
  const row = granted.mandate;
  return {
    iss: frame.issuer,
    sub: subjectOf(row),
    aud: frame.audience,
    client_id: row.agent_id,
    iat: granted.issuedAt,
    exp: granted.expiresAt,
    jti: frame.jti,
    scope: granted.scopes.join(' '),
    act: actOf(row.agent_id, subject.act, frame.issuer),
    mandate_id: row.mandate_id,
    authorization_details: authorizationDetails(granted),
    tenant: frame.tenantId,
    epoch: epochsOf(row),
    ...(frame.jkt === null ? {} : { cnf: { jkt: frame.jkt } }),
    ...statusClaim(frame.issuer, row.status_index),
    ...(subject.jtis.length === 0 ? {} : { derived_from: subject.jtis }),
  };
}

const actOf = (agentId: string, before: Act | null, issuer: string): Act => ({
  sub: agentId,
  iss: issuer,
  sub_profile: 'ai_agent',
  ...(before === null ? {} : { act: before }),
});

/** Error codes: RFC 8693 section 2.2.2 for a subject token, RFC 7523 section 3.1 for an assertion. */
const fromBefore = (kind: Subject['kind']): OAuthError =>
  new OAuthError(
    kind === 'id_jag' ? 'invalid_grant' : 'invalid_request',
    FROM_BEFORE,
    `${kind === 'id_jag' ? 'assertion' : 'subject_token'}: ${FROM_BEFORE_WORDS}`,
  );

/**
 * The grant itself is fine, so the same request may succeed later. The code comes from RFC 6749 section
 * 4.1.2.1.
 */
function refuseOutdated(row: HotMandate): OAuthError {
  const why = directoryOutdated({ id: row.person_id, displayName: 'the employee' });
  return new OAuthError('temporarily_unavailable', why.code, why.message, {
    status: 503,
    extra: { reason: why.code },
  });
}

const unusable = (why: Denial, extra: Readonly<Record<string, unknown>>): OAuthError =>
  new OAuthError('invalid_grant', why.code, why.message, { extra: { reason: why.code, ...extra } });
