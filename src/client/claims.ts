/** Who acts (RFC 8693 section 4.1). The outermost is the one who acts now; what is nested tells history and decides nothing. */
export interface Actor {
  readonly sub: string;
  readonly iss?: string;
  readonly sub_profile?: string;
  readonly act?: Actor;
}

/** The claims of a delegation token (RFC 9068 section 2.2, RFC 8693 section 4.1). Others pass through as they are. */
export interface DelegationClaims {
  readonly iss: string;
  /** The employee: `oidc:<provider>:<uid>`. */
  readonly sub: string;
  readonly aud: string;
  /** The agent that the token was given to. */
  readonly client_id: string;
  /** Seconds since 1970. */
  readonly iat: number;
  readonly exp: number;
  readonly jti: string;
  readonly act: Actor;
  /** Scopes with spaces between. */
  readonly scope: string;
  readonly mandate_id: string;
  /** RFC 9396: the limits of the mandate. */
  readonly authorization_details: readonly Readonly<Record<string, unknown>>[];
  readonly tenant: string;
  /** RFC 7800, RFC 9449 section 6.1: present where the token is bound to a key. */
  readonly cnf?: { readonly jkt?: string };
  readonly [claim: string]: unknown;
}

const TEXTS = ['iss', 'sub', 'client_id', 'jti', 'scope', 'mandate_id', 'tenant'] as const;

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Whether every claim of a delegation token is there with its type. `aud`, times and signature are looked at elsewhere. */
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
  // Nesting is bounded by the length of a token.
  return (
    isRecord(value) &&
    typeof value['sub'] === 'string' &&
    (value['act'] === undefined || isActor(value['act']))
  );
}

/** The scopes of a token, as a list. */
export const scopeList = (claims: Pick<DelegationClaims, 'scope'>): string[] =>
  claims.scope.split(' ').filter((scope) => scope !== '');
