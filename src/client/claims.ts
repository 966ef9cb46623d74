/**
 * The acting party (RFC 8693 section 4.1). The outermost one acts now. Nested ones are history and
 * must not affect decisions.
 */
export interface Actor {
  readonly sub: string;
  readonly iss?: string;
  readonly sub_profile?: string;
  readonly act?: Actor;
}

/**
 * The claims of a delegation token (RFC 9068 section 2.2, RFC 8693 section 4.1). Other claims are
 * kept unchanged.
 */
export interface DelegationClaims {
  readonly iss: string;
  /** The employee: `oidc:<provider>:<uid>`. */
  readonly sub: string;
  readonly aud: string;
  /** The agent that the token was issued to. */
  readonly client_id: string;
  /** Seconds since 1970. */
  readonly iat: number;
  readonly exp: number;
  readonly jti: string;
  readonly act: Actor;
  /** Scopes, separated by spaces. */
  readonly scope: string;
  readonly mandate_id: string;
  /** The limits of the mandate (RFC 9396). */
  readonly authorization_details: readonly Readonly<Record<string, unknown>>[];
  readonly tenant: string;
  /** Present if the token is bound to a key (RFC 7800, RFC 9449 section 6.1). */
  readonly cnf?: { readonly jkt?: string };
  readonly [claim: string]: unknown;
}

const TEXTS = ['iss', 'sub', 'client_id', 'jti', 'scope', 'mandate_id', 'tenant'] as const;

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Whether all claims of a delegation token are present with the right types. Does not check `aud`,
 * times or signature.
 */
export function isDelegation(claims: Readonly<Record<string, unknown>>): claims is DelegationClaims {
  const details = claims['authorization_details'];
  const cnf = claims['cnf'];
  return (
    TEXTS.every((name) => typeof claims[name] === 'string' && claims[name] !== '') &&
    isActor(claims['act']) &&
    Array.isArray(details) &&
    details.every(isRecord) &&
    (cnf === undefined || isRecord(cnf))
  );
}

function isActor(value: unknown): boolean {
  // The length of a token limits the nesting.
  return (
    isRecord(value) &&
    typeof value['sub'] === 'string' &&
    (value['act'] === undefined || isActor(value['act']))
  );
}

/** The scopes of a token as a list. */
export const scopeList = (claims: Pick<DelegationClaims, 'scope'>): string[] =>
  claims.scope.split(' ').filter((scope) => scope !== '');
