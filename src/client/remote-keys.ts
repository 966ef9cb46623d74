import { errorOfAnswer, ProkuraError } from './errors.ts';
import { exchangeHttp, jsonObject, type Fetch } from './http.ts';
import type { Jwt } from './jwt.ts';
import { signatureHolds, verifyKey, type CryptoKey, type Jwk } from './keys.ts';
import type { ServerMetadata } from './metadata.ts';

/** The issuer's public keys. */
export interface RemoteKeys {
  /**
   * Checks an ES256 signature with the key that `kid` names. Throws ProkuraError `unavailable` if the keys
   * cannot be fetched.
   */
  verify(jwt: Jwt): Promise<'holds' | 'key_unknown' | 'broken'>;
}

/** How often an unknown `kid` may cause the keys to be fetched again, in milliseconds. */
const COOLDOWN_MS = 30_000;
/** How long to wait after a failed fetch if there are no keys, in milliseconds. */
const RETRY_MS = 1_000;
/** The age from which keys are fetched again before they are used, in milliseconds. */
const MAX_AGE_MS = 10 * 60_000;
const LIMITS = { timeoutMs: 2_000, maxBytes: 256 * 1024 };
const MAX_KEYS = 100;

/**
 * Creates the reader of an issuer's keys. Concurrent calls share one fetch, and unknown key ids cause a fetch
 * only after a cooldown. Only ES256 signature keys are used. If the keys are old and cannot be fetched, no
 * signature is accepted. Not jose's `createRemoteJWKSet`: it takes its time from the system, has no limit on
 * bytes, and asks again at once after a failure.
 */
export function createRemoteKeys(parts: {
  discover: () => Promise<ServerMetadata>;
  fetch: Fetch;
  now: () => Date;
}): RemoteKeys {
  const { fetch } = parts;
  let keys: ReadonlyMap<string, CryptoKey> | null = null;
  let fetchedAt = 0;
  let failure: { readonly error: unknown; readonly at: number } | null = null;
  let flight: Promise<void> | null = null;

  async function load(): Promise<void> {
    try {
      keys = await fetched();
      fetchedAt = parts.now().getTime();
      failure = null;
    } catch (error) {
      failure = { error, at: parts.now().getTime() };
      throw error;
    }
  }

  async function fetched(): Promise<ReadonlyMap<string, CryptoKey>> {
    const { jwksUri } = await parts.discover();
    if (jwksUri === null)
      throw new ProkuraError('unavailable', 'The issuer publishes no keys.', { status: 503 });
    const answer = await exchangeHttp(fetch, jwksUri, { headers: { accept: 'application/json' } }, LIMITS);
    const body = jsonObject(answer.bytes);
    if (answer.status !== 200) throw errorOfAnswer(answer.status, answer.headers, body, parts.now());
    if (!Array.isArray(body?.['keys']))
      throw new ProkuraError('invalid_response', `${jwksUri} contains no keys.`, { reason: 'jwks' });
    return publicKeys(body['keys']);
  }

  async function keyOf(kid: string): Promise<CryptoKey | null> {
    const now = parts.now().getTime();
    const current = keys !== null && now - fetchedAt < MAX_AGE_MS ? keys : null;
    const known = current?.get(kid);
    if (known !== undefined) return known;
    if (flight === null) {
      if (failure !== null && now - failure.at < (current === null ? RETRY_MS : COOLDOWN_MS))
        throw failure.error;
      if (current !== null && now - fetchedAt < COOLDOWN_MS) return null;
    }
    flight ??= load().finally(() => (flight = null));
    await flight;
    return keys?.get(kid) ?? null;
  }

  return {
    verify: async (jwt) => {
      const { alg, kid } = jwt.header;
      if (alg !== 'ES256' || typeof kid !== 'string') return 'key_unknown';
      let key: CryptoKey | null;
      try {
        key = await keyOf(kid);
      } catch (error) {
        throw new ProkuraError(
          'unavailable',
          'The keys of the issuer could not be fetched. Try again later.',
          {
            status: 503,
            reason: 'jwks',
            cause: error,
          },
        );
      }
      if (key === null) return 'key_unknown';
      return (await signatureHolds(key, jwt)) ? 'holds' : 'broken';
    },
  };
}

async function publicKeys(list: readonly unknown[]): Promise<ReadonlyMap<string, CryptoKey>> {
  const found = new Map<string, CryptoKey>();
  for (const jwk of list.slice(0, MAX_KEYS) as readonly Jwk[]) {
    const kid = jwk?.kid;
    if (typeof kid !== 'string' || found.has(kid)) continue;
    const key = await verifyKey(jwk);
    if (key !== null) found.set(kid, key);
  }
  return found;
}
