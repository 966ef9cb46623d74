import { sha256 } from '#lib/crypto.ts';
import { isId } from '#lib/id.ts';
import {
  importVerifyKey,
  isNumericDate,
  parseJwt,
  verifyJws,
  type ParsedJwt,
  type VerifyKey,
} from '#lib/jwt.ts';
import { issuerOf, JWT_BEARER_ASSERTION, SKEW_SECONDS } from './names.ts';
import { OAuthError } from './oauth-error.ts';
import { reach } from '#db/reach.ts';
import type { KernelParts } from './parts.ts';
import { findAgentKey } from './store.ts';

/** How a client says who it is: the three form fields of RFC 7521 section 4.2, as they came. */
export interface ClientCredentials {
  readonly clientId: string | undefined;
  readonly assertionType: string | undefined;
  readonly assertion: string | undefined;
}

/** An agent whose assertion holds. It has not been used up yet, and the key may be as old as `agentEpoch`. */
export interface AuthenticatedClient {
  readonly agentId: string;
  readonly kid: string;
  /** The agent's epoch at which its key was read. */
  readonly agentEpoch: number;
  /** What makes the assertion usable once (RFC 7523 section 3, item 7). */
  readonly once: { readonly key: string; readonly expiresAt: Date };
}

/** Authenticates agents by private_key_jwt. */
export interface ClientAuthenticator {
  /** Throws OAuthError `invalid_client`. */
  authenticate(tenantId: string, credentials: ClientCredentials): Promise<AuthenticatedClient>;
  /**
   * Makes sure that the key still stands when a strict read has shown another epoch: reads it again, once. False where it is gone.
   * Nothing but parsed keys is kept.
   */
  stillHolds(tenantId: string, client: AuthenticatedClient, epochNow: number): Promise<boolean>;
  flush(): void;
}

/** The longest life of an assertion, in seconds. */
const MAX_LIFE_SECONDS = 300;
const MAX_CACHED_KEYS = 10_000;
/** `client-authentication+jwt`: draft-ietf-oauth-rfc7523bis. */
const TYPES = new Set([
  undefined,
  'JWT',
  'jwt',
  'client-authentication+jwt',
  'application/client-authentication+jwt',
]);

const refuse = (reason: string, description: string): OAuthError =>
  new OAuthError('invalid_client', reason, description);

/** What every use of an assertion but the first gets. */
export const assertionReplayed = (): OAuthError =>
  refuse(
    'assertion_replayed',
    'This client assertion was used before. Make a new one, with a new jti, for each request.',
  );

/** The agent that an assertion claims to come from, unverified: tells the tenant where the address does not. */
export function claimedClient(credentials: ClientCredentials): string | null {
  const claimed = credentials.clientId ?? parseJwt(credentials.assertion ?? '')?.claims['sub'];
  return typeof claimed === 'string' && isId('agt', claimed) ? claimed : null;
}

/** RFC 7523 section 3 and RFC 7521 section 5.2; `aud` is our issuer identifier alone, as one string (draft-ietf-oauth-rfc7523bis section 4). */
export function createClientAuthenticator(
  parts: Pick<KernelParts, 'baseUrl' | 'read' | 'now'>,
): ClientAuthenticator {
  const keys = new Map<string, VerifyKey & { readonly epoch: number }>();

  async function readKey(tenantId: string, agentId: string, kid: string) {
    const stored = await reach(parts.read(tenantId, (ctx) => findAgentKey(ctx, agentId, kid)));
    const key = stored === null ? null : importVerifyKey(stored.publicJwk);
    const name = `${tenantId}/${agentId}/${kid}`;
    keys.delete(name);
    if (stored === null || key === null || key.alg !== stored.alg) return null;
    const oldest = keys.keys().next();
    if (keys.size >= MAX_CACHED_KEYS && oldest.done !== true) keys.delete(oldest.value);
    const held = { ...key, epoch: stored.agentEpoch };
    keys.set(name, held);
    return held;
  }

  return {
    authenticate: async (tenantId, credentials) => {
      const jwt = presented(credentials);
      const { agentId, jti, exp } = checkClaims(
        jwt,
        credentials.clientId,
        issuerOf(parts.baseUrl, tenantId),
        parts.now().getTime() / 1000,
      );
      const { kid, alg } = jwt.header as { kid?: unknown; alg?: unknown };
      if (typeof kid !== 'string' || !/^[A-Za-z0-9_-]{43}$/.test(kid)) {
        throw refuse(
          'client_key_unknown',
          'The header of the client assertion must name the key by its RFC 7638 thumbprint in kid.',
        );
      }
      const key = keys.get(`${tenantId}/${agentId}/${kid}`) ?? (await readKey(tenantId, agentId, kid));
      if (key === null || key.alg !== alg || !verifyJws(key, jwt.signed, jwt.signature)) {
        throw refuse(
          'client_signature',
          'The client assertion is not signed by a key that is registered for this client.',
        );
      }
      const once = {
        key: sha256(`client_assertion ${agentId} ${jti}`),
        expiresAt: new Date((exp + SKEW_SECONDS) * 1000),
      };
      return { agentId, kid, agentEpoch: key.epoch, once };
    },
    stillHolds: async (tenantId, client, epochNow) =>
      client.agentEpoch === epochNow || (await readKey(tenantId, client.agentId, client.kid)) !== null,
    flush: () => keys.clear(),
  };
}

function presented(credentials: ClientCredentials): ParsedJwt {
  if (credentials.assertion === undefined || credentials.assertionType === undefined) {
    throw refuse(
      'client_missing',
      `Authenticate with private_key_jwt: send client_assertion and client_assertion_type=${JWT_BEARER_ASSERTION}.`,
    );
  }
  if (credentials.assertionType !== JWT_BEARER_ASSERTION) {
    throw refuse('client_assertion_type', `client_assertion_type must be ${JWT_BEARER_ASSERTION}.`);
  }
  const jwt = parseJwt(credentials.assertion);
  if (jwt === null || !TYPES.has(jwt.header['typ'] as string | undefined)) {
    throw refuse('client_malformed', 'The client assertion is not a signed JWT for client authentication.');
  }
  return jwt;
}

function checkClaims(
  jwt: ParsedJwt,
  clientId: string | undefined,
  issuer: string,
  now: number,
): { agentId: string; jti: string; exp: number } {
  const { iss, sub, aud, exp, iat, nbf, jti } = jwt.claims as Record<
    'iss' | 'sub' | 'aud' | 'exp' | 'iat' | 'nbf' | 'jti',
    unknown
  >;
  if (
    typeof sub !== 'string' ||
    !isId('agt', sub) ||
    iss !== sub ||
    (clientId !== undefined && clientId !== sub)
  ) {
    throw refuse(
      'client_identity',
      'In the client assertion iss and sub must both be the agent id (agt_...), the same as client_id.',
    );
  }
  if (aud !== issuer)
    throw refuse('client_audience', `In the client assertion aud must be the one string ${issuer}.`);
  if (!isNumericDate(exp) || exp + SKEW_SECONDS <= now || exp > now + MAX_LIFE_SECONDS + SKEW_SECONDS) {
    throw refuse(
      'client_expired',
      `The client assertion must have an exp in the future, at most ${MAX_LIFE_SECONDS} seconds away.`,
    );
  }
  const early = (moment: unknown): boolean =>
    moment !== undefined && (!isNumericDate(moment) || moment > now + SKEW_SECONDS);
  if (early(iat) || early(nbf))
    throw refuse(
      'client_not_yet_valid',
      'The client assertion is from the future. Check the clock of the agent.',
    );
  if (typeof jti !== 'string' || jti.length < 8 || jti.length > 256) {
    throw refuse(
      'client_jti',
      'The client assertion must have a jti of 8 to 256 characters, new for each request.',
    );
  }
  return { agentId: sub, jti, exp };
}
