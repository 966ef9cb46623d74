import { LRUCache } from 'lru-cache';
import { sameDigest, sha256 } from '#lib/crypto.ts';
import { Fault } from '#lib/fault.ts';
import { isId } from '#lib/id.ts';
import type { RemoteKeys } from '#lib/jwks.ts';
import { importVerifyKey, verifyJws, type JwsAlg, type VerifyKey } from '#lib/jwt.ts';
import { reach } from '#db/reach.ts';
import { readAssertion, refuseClient, type ClaimedAssertion } from './client-assertion.ts';
import { hasCredentials, type ClientCredentials } from './client-request.ts';
import { issuerOf, JWT_BEARER_ASSERTION, SPIFFE_ASSERTION } from '../names.ts';
import type { KernelParts } from '../parts.ts';
import { readSvid, svidHolds } from './spiffe.ts';
import { credentialsOf, spiffeAgent, type StoredCredentials } from '../store.ts';

/**
 * How a client authenticates. `private_key_jwt` is a name of the IANA registry "OAuth Token Endpoint
 * Authentication Methods"; `client_secret` covers its `client_secret_basic` and `client_secret_post`;
 * `spiffe_jwt` is a JWT-SVID.
 */
export type ClientAuthMethod = 'private_key_jwt' | 'client_secret' | 'spiffe_jwt';

/** An agent whose credentials were valid at the epoch at which they were read. */
export interface AuthenticatedClient {
  readonly agentId: string;
  readonly method: ClientAuthMethod;
  readonly agentEpoch: number;
  /** What makes its assertion usable once; null if it may be used again. The caller still has to spend it. */
  readonly once: { readonly key: string; readonly expiresAt: Date } | null;
  /** Whether the credential that the client used is still one of these credentials. */
  readonly holds: (credentials: Credentials) => boolean | Promise<boolean>;
}

/** An agent's credentials with parsed keys. */
export interface Credentials extends Omit<StoredCredentials, 'keys'> {
  readonly keys: ReadonlyMap<string, VerifyKey>;
}

/** Authenticates agents at the token, introspection and revocation endpoints. */
export interface ClientAuthenticator {
  /** Throws OAuthError `invalid_client`, and Fault `unavailable` if the agent's JWKS URL does not answer. */
  authenticate(tenantId: string, credentials: ClientCredentials): Promise<AuthenticatedClient>;
  /**
   * Checks that the client's credential is still valid when a strict read showed another epoch: reads the
   * credentials again, once. False if the credential is gone. Only parsed credentials are cached, no
   * decisions.
   */
  stillHolds(tenantId: string, client: AuthenticatedClient, epochNow: number): boolean | Promise<boolean>;
  /**
   * Whether an actor token (RFC 8693 section 2.1) is a JWT that this client signed for us. Throws OAuthError
   * if it is invalid. Does not spend it.
   */
  isOwnToken(tenantId: string, client: AuthenticatedClient, token: string): Promise<boolean>;
  /** Forgets all cached credentials and keys. */
  flush(): void;
}

/** The number of agents whose parsed credentials are cached, and the total size of those in bytes. */
const KEPT_AGENTS = { max: 10_000, maxSize: 16 * 1024 * 1024 };

/**
 * Creates the authenticator. `agentKeys` reads the JWKS URLs that agents registered. It must be guarded
 * against internal addresses, because anyone who registers an agent chooses the URL.
 */
export function createClientAuthenticator(
  parts: Pick<KernelParts, 'baseUrl' | 'read' | 'now'>,
  agentKeys: RemoteKeys,
): ClientAuthenticator {
  const known = new LRUCache<string, Credentials>(KEPT_AGENTS);
  const seconds = () => parts.now().getTime() / 1000;

  async function load(tenantId: string, agentId: string): Promise<Credentials | null> {
    const name = `${tenantId}/${agentId}`;
    const stored = await reach(parts.read(tenantId, (ctx) => credentialsOf(ctx, agentId)));
    known.delete(name);
    if (stored === null) return null;
    const credentials = parse(stored);
    known.set(name, credentials, { size: JSON.stringify(stored).length });
    return credentials;
  }

  /**
   * Tries the cached credentials and, if they do not match, reads them again once: the credential may be new.
   */
  async function loadMatching(
    tenantId: string,
    agentId: string,
    does: AuthenticatedClient['holds'],
  ): Promise<Credentials | null> {
    const kept = known.get(`${tenantId}/${agentId}`);
    if (kept !== undefined && (await does(kept))) return kept;
    const fresh = await load(tenantId, agentId);
    return fresh !== null && (await does(fresh)) ? fresh : null;
  }

  async function holdsNow(tenantId: string, { agentId, holds }: AuthenticatedClient): Promise<boolean> {
    const fresh = await load(tenantId, agentId);
    return fresh !== null && holds(fresh);
  }

  async function byAssertion(
    tenantId: string,
    assertion: string,
    clientId: string | undefined,
  ): Promise<AuthenticatedClient> {
    const claimed = readAssertion(assertion, clientId, issuerOf(parts.baseUrl, tenantId), seconds());
    const { agentId, once } = claimed;
    const names = async (credentials: Credentials) => (await keyOf(credentials, claimed, agentKeys)) !== null;
    const credentials = await loadMatching(tenantId, agentId, names);
    const key = credentials === null ? null : await keyOf(credentials, claimed, agentKeys);
    if (credentials === null || key === null || !verifyJws(key, claimed.jwt.signed, claimed.jwt.signature)) {
      throw refuseClient(
        'client_signature',
        'The client assertion is not signed by a registered key of this client.',
      );
    }
    return { agentId, method: 'private_key_jwt', agentEpoch: credentials.epoch, once, holds: names };
  }

  async function bySecret(
    tenantId: string,
    clientId: string | undefined,
    secret: string,
  ): Promise<AuthenticatedClient> {
    if (clientId === undefined || !isId('agt', clientId))
      throw refuseClient('client_identity', 'client_id must be the agent ID (agt_...).');
    const hash = sha256(secret);
    const holds = ({ secretHash }: Credentials) => secretHash !== null && sameDigest(secretHash, hash);
    const credentials = await loadMatching(tenantId, clientId, holds);
    if (credentials === null)
      throw refuseClient('client_secret', 'The client secret is wrong, or this client has none.');
    return { agentId: clientId, method: 'client_secret', agentEpoch: credentials.epoch, once: null, holds };
  }

  async function bySvid(
    tenantId: string,
    assertion: string,
    clientId: string | undefined,
  ): Promise<AuthenticatedClient> {
    const svid = readSvid(assertion, issuerOf(parts.baseUrl, tenantId), seconds());
    // Read for each request: an agent's epoch does not change when a trust bundle does.
    const vouched = async () => {
      const agent = await reach(parts.read(tenantId, (ctx) => spiffeAgent(ctx, svid)));
      return agent !== null && svidHolds(svid, agent.bundle) ? agent : null;
    };
    const found = await vouched();
    if (found === null || (clientId !== undefined && clientId !== found.agentId)) {
      throw refuseClient(
        'client_svid',
        'The JWT-SVID does not belong to an agent of this organisation, or is not signed by a key of its trust bundle.',
      );
    }
    // Checks the signature again, not only the SPIFFE ID: the trust domain may have lost the key or its
    // bundle.
    const holds = async () => (await vouched())?.agentId === found.agentId;
    return { agentId: found.agentId, method: 'spiffe_jwt', agentEpoch: found.epoch, once: null, holds };
  }

  return {
    authenticate: async (tenantId, credentials) => {
      const { clientId, assertion, assertionType, secret } = credentials;
      if (!hasCredentials(credentials)) {
        throw refuseClient(
          'client_missing',
          `Authenticate with private_key_jwt: send client_assertion and client_assertion_type=${JWT_BEARER_ASSERTION}.`,
        );
      }
      if (assertion === undefined) return bySecret(tenantId, clientId, secret ?? '');
      if (assertionType === JWT_BEARER_ASSERTION) return byAssertion(tenantId, assertion, clientId);
      if (assertionType === SPIFFE_ASSERTION) return bySvid(tenantId, assertion, clientId);
      throw refuseClient(
        'client_assertion_type',
        `client_assertion_type must be ${JWT_BEARER_ASSERTION} or ${SPIFFE_ASSERTION}.`,
      );
    },
    stillHolds: (tenantId, client, epochNow) => client.agentEpoch === epochNow || holdsNow(tenantId, client),
    isOwnToken: async (tenantId, client, token) => {
      const as = client.method === 'spiffe_jwt' ? bySvid : byAssertion;
      return (await as(tenantId, token, client.agentId)).agentId === client.agentId;
    },
    flush: () => {
      known.clear();
      agentKeys.flush();
    },
  };
}

/**
 * The key that an assertion names: one of the agent's own, or one from its JWKS URL. Null if no such key has
 * that algorithm.
 */
async function keyOf(
  credentials: Credentials,
  { kid, alg }: Pick<ClaimedAssertion, 'kid' | 'alg'>,
  agentKeys: RemoteKeys,
): Promise<VerifyKey | null> {
  if (alg !== 'ES256' && alg !== 'RS256') return null;
  if (credentials.jwksUrl !== null) return publishedKey(agentKeys, credentials.jwksUrl, kid, alg);
  const key = credentials.keys.get(kid);
  return key?.alg === alg ? key : null;
}

async function publishedKey(
  agentKeys: RemoteKeys,
  url: string,
  kid: string,
  alg: JwsAlg,
): Promise<VerifyKey | null> {
  try {
    return await agentKeys.key({ issuer: url, jwksUri: url }, kid, alg);
  } catch (cause) {
    if (!(cause instanceof Fault)) throw cause;
    throw new Fault(
      'unavailable',
      'The JWKS URL of this client is not responding, so the client cannot be authenticated. Try again in a minute.',
      { detail: cause.detail, cause },
    );
  }
}

function parse(stored: StoredCredentials): Credentials {
  const keys = new Map<string, VerifyKey>();
  for (const { kid, alg, publicJwk } of stored.keys) {
    const key = importVerifyKey(publicJwk);
    if (key?.alg === alg) keys.set(kid, key);
  }
  return { ...stored, keys };
}
