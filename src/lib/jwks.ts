import { LRUCache } from 'lru-cache';
import { readLimited } from './body.ts';
import { Fault } from './fault.ts';
import { importVerifyKey, type JwsAlg, type VerifyKey } from './jwt.ts';
import type { Logger } from './log.ts';

/** An issuer that an administrator configured. Its address is trusted, its answers are not. */
interface KeySource {
  readonly issuer: string;
  /** The address of the keys. If given, no discovery document is fetched. */
  readonly jwksUri?: string;
  /** The address of the keys if the issuer has no discovery document. */
  readonly fallbackJwksUri?: string;
}

/** The published signing keys of other issuers, cached in memory. */
export interface RemoteKeys {
  /**
   * The key that `source` publishes under `kid` for `alg`, or null if it publishes none. Concurrent callers
   * share one request, and unknown `kid`s cause at most one request in `COOLDOWN_SECONDS`. While the issuer
   * does not answer, keys that were read within `STALE_SECONDS` stay in use; without such keys: Fault
   * `unavailable`.
   */
  key(source: KeySource, kid: string, alg: JwsAlg): VerifyKey | null | Promise<VerifyKey | null>;
  /** Forgets all keys, so that the next use fetches them again. */
  flush(): void;
}

/**
 * How long keys are used without reading them again. After this, a key that the issuer removed no longer
 * verifies.
 */
const MAX_AGE_SECONDS = 300;
/** After a request, an unknown `kid` causes no other one for this long. */
const COOLDOWN_SECONDS = 30;
/** How long keys stay in use while the issuer does not answer. */
const STALE_SECONDS = 24 * 3600;
const FIRST_RETRY_SECONDS = 5;
const TIMEOUT_MS = 2000;
const MAX_BYTES = 256 * 1024;
const MAX_KEYS = 100;
/** Tokens with a longer `kid` are refused before their key is looked up. */
const MAX_KID_LENGTH = 256;
/** The number of issuers whose keys are cached, and the total size of names and keys in bytes. */
const KEPT_ISSUERS = { max: 1000, maxSize: 16 * 1024 * 1024 };

interface State {
  keys: ReadonlyMap<string, VerifyKey> | null;
  jwksUri: string | null;
  readAt: number;
  askedAt: number;
  asking: Promise<void> | null;
}

/** By issuer. */
type States = LRUCache<string, State>;

/** How a document is fetched. It is the needed part of the global `fetch`, which is the default. */
type Fetch = (
  url: string,
  init: { headers: Record<string, string>; redirect: 'error'; signal: AbortSignal },
) => Promise<Response>;

/**
 * Not jose's `createRemoteJWKSet`: that serves one address without a limit on bytes, does not use older keys
 * while the issuer is silent, and hands them out as promises, which the hot path pays for (decision 0017).
 *
 * Creates the cache. `fetch` is for tests, and for addresses that must be guarded; `now` is the clock for
 * all ages.
 */
export function createRemoteKeys(parts: { now: () => Date; log: Logger; fetch?: Fetch }): RemoteKeys {
  const states: States = new LRUCache(KEPT_ISSUERS);
  const seconds = () => parts.now().getTime() / 1000;
  const get = (url: string) => fetchJson(parts.fetch ?? fetch, url);

  async function ask(source: KeySource, state: State): Promise<void> {
    state.askedAt = seconds();
    try {
      state.jwksUri ??= source.jwksUri ?? (await discover(get, source));
      state.keys = readKeys(await get(state.jwksUri));
      state.readAt = seconds();
      // If it was forgotten in the meantime, it stays forgotten. The cache keeps the size of a value that is
      // set again, so it is taken out first.
      if (states.peek(source.issuer) !== state) return;
      states.delete(source.issuer);
      states.set(source.issuer, state, { size: sizeOf(source, state) });
    } catch (error) {
      // The address may have moved, so the next attempt discovers it again.
      state.jwksUri = null;
      parts.log.warn(
        { err: error, issuer: source.issuer },
        'the keys of an identity provider could not be read',
      );
    }
  }

  async function askedKey(
    source: KeySource,
    state: State,
    kid: string,
    alg: JwsAlg,
  ): Promise<VerifyKey | null> {
    const cooled = () =>
      seconds() - state.askedAt >= (state.keys === null ? FIRST_RETRY_SECONDS : COOLDOWN_SECONDS);
    if (state.asking !== null || cooled()) {
      state.asking ??= ask(source, state).finally(() => void (state.asking = null));
      await state.asking;
    }
    if (state.keys === null || seconds() - state.readAt > STALE_SECONDS) {
      throw new Fault(
        'unavailable',
        'The identity provider is not responding, so its token cannot be checked. Try again in a minute.',
        {
          detail: { reason: 'provider_unavailable', retry_after_seconds: COOLDOWN_SECONDS },
        },
      );
    }
    return ofAlg(state.keys.get(kid), alg);
  }

  return {
    key: (source, kid, alg) => {
      const state = stateOf(states, source.issuer);
      const known = seconds() - state.readAt > MAX_AGE_SECONDS ? undefined : state.keys?.get(kid);
      return known === undefined ? askedKey(source, state, kid, alg) : ofAlg(known, alg);
    },
    flush: () => states.clear(),
  };
}

/**
 * The keys of a JWK Set (RFC 7517 section 5) that can verify signatures, by `kid`. Ignores encryption keys,
 * `oct`, RSA under 2048 bits, entries without a `kid` or with one that is too long, and both keys of a
 * repeated `kid`. Throws TypeError if it is not a JWK Set.
 */
export function readKeys(document: unknown): ReadonlyMap<string, VerifyKey> {
  const list = isObject(document) ? document['keys'] : undefined;
  if (!Array.isArray(list)) throw new TypeError('not a JWK Set');
  const keys = new Map<string, VerifyKey>();
  const twice = new Set<string>();
  for (const jwk of list.slice(0, MAX_KEYS) as unknown[]) {
    if (!isObject(jwk)) continue;
    const kid = jwk['kid'];
    const key = importVerifyKey(jwk);
    if (key === null || typeof kid !== 'string' || kid === '' || kid.length > MAX_KID_LENGTH) continue;
    if (keys.has(kid)) twice.add(kid);
    keys.set(kid, key);
  }
  for (const kid of twice) keys.delete(kid);
  return keys;
}

/**
 * The keys that an issuer publishes now, found by its discovery document. For checking a configuration;
 * nothing is cached. Throws TypeError with what is wrong in our own words, and any error of `fetcher`.
 */
export async function readIssuerKeys(
  fetcher: Fetch,
  issuer: string,
): Promise<ReadonlyMap<string, VerifyKey>> {
  const get = (url: string) => fetchJson(fetcher, url);
  return readKeys(await get(await discover(get, { issuer })));
}

/** The approximate size of an issuer's name and keys, in whole bytes. */
function sizeOf({ issuer }: KeySource, { keys }: State): number {
  let bytes = issuer.length;
  for (const [kid, { key }] of keys ?? [])
    bytes += kid.length + Math.ceil((key.asymmetricKeyDetails?.modulusLength ?? 256) / 8);
  return bytes;
}

const ofAlg = (key: VerifyKey | undefined, alg: JwsAlg): VerifyKey | null => (key?.alg === alg ? key : null);

function stateOf(states: States, issuer: string): State {
  const known = states.get(issuer);
  if (known !== undefined) return known;
  const fresh: State = { keys: null, jwksUri: null, readAt: 0, askedAt: 0, asking: null };
  states.set(issuer, fresh, { size: issuer.length });
  return fresh;
}

/**
 * OpenID Connect Discovery 1.0, section 4.3: the document must name exactly the issuer for which it was
 * fetched.
 */
async function discover(get: (url: string) => Promise<unknown>, source: KeySource): Promise<string> {
  let document: unknown;
  try {
    // Section 4.1: a trailing slash is removed first. Entra's version 1.0 issuers have one.
    document = await get(`${source.issuer.replace(/\/$/, '')}/.well-known/openid-configuration`);
  } catch (error) {
    if (source.fallbackJwksUri !== undefined) return source.fallbackJwksUri;
    throw error;
  }
  if (!isObject(document) || document['issuer'] !== source.issuer)
    throw new TypeError('the discovery document names another issuer');
  const uri = document['jwks_uri'];
  // An https issuer must not send us to an http address, where anyone in between could answer.
  if (
    typeof uri !== 'string' ||
    !URL.canParse(uri) ||
    (source.issuer.startsWith('https:') && !uri.startsWith('https:'))
  ) {
    throw new TypeError('the discovery document has no usable jwks_uri');
  }
  return uri;
}

async function fetchJson(fetcher: Fetch, url: string): Promise<unknown> {
  const response = await fetcher(url, {
    headers: { accept: 'application/json' },
    redirect: 'error',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (response.status !== 200 || response.body === null) {
    await response.body?.cancel();
    throw new TypeError(`answered ${response.status}`);
  }
  const bytes = await readLimited(response.body, MAX_BYTES);
  if (bytes === null) throw new TypeError(`answered more than ${MAX_BYTES} bytes`);
  return JSON.parse(bytes.toString('utf8'));
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
