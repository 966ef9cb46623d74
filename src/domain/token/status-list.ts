import { createHash } from 'node:crypto';
import { deflateSync } from 'node:zlib';
import { LRUCache } from 'lru-cache';
import { reach } from '#db/reach.ts';
import { signJwt } from '#lib/jwt.ts';
import { issuerOf } from './names.ts';
import type { KernelParts } from './parts.ts';
import type { SigningKeys } from './keys/signing-keys.ts';
import { countLists, LIST_PLACES, takenPlaces, type TakenPlace } from '../mandate/status-place.ts';

/** How long a list may be cached before it is fetched again, in seconds (`ttl`), here and elsewhere. */
export const STATUS_TTL_SECONDS = 15;
/** How long a list is valid, in seconds (`exp`). By then, a revocation is visible everywhere. */
export const STATUS_LIFE_SECONDS = 60;
const BITS = 2;
const PER_BYTE = 8 / BITS;
/**
 * Decoys among the places: between one in 400 and one in 40 look revoked, between one in 1600 and one in 160
 * suspended. The seed chooses how many.
 */
const DECOYS = { revoked: [400, 40], suspended: [1600, 160] } as const;
const MAX_KEPT = 1000;

/**
 * For this long after `untilMs` the old list is served while the next one is built in the background, so no
 * request waits. The list is valid until its `exp`: a client that gets it has half of its life left, and
 * fetches again soon.
 */
const BESIDE_SECONDS = 15;

/** A signed list, and until when it may be served, in milliseconds since 1970. */
export interface SignedStatusList {
  readonly jwt: string;
  readonly untilMs: number;
}

/** A list that is being built or served. `replacing`: this list or its successor is being built. */
interface Kept {
  readonly untilMs: number;
  readonly list: Promise<SignedStatusList | null>;
  replacing: boolean;
}

/** Publishes the status of mandates (Token Status List, draft-ietf-oauth-status-list-20). */
export interface StatusListPublisher {
  /**
   * The list as a Status List Token, at most half of `STATUS_LIFE_SECONDS` old. Null if the tenant has no
   * such list. Fault `unavailable` if the database cannot be reached.
   */
  list(tenantId: string, list: number): Promise<SignedStatusList | null>;
  /** The addresses of all lists (draft-20 section 9.3). */
  addresses(tenantId: string): Promise<string[]>;
  /** Forgets all cached lists. */
  flush(): void;
}

/** The address of a list: the `uri` in tokens and the `sub` of the list. */
export const statusListUri = (issuer: string, list: number): string => `${issuer}/oauth2/status/${list}`;

/** The `status` claim of a token whose mandate has this place; empty if it has none. */
export const statusClaim = (issuer: string, place: number | null): Record<string, unknown> =>
  place === null
    ? {}
    : {
        status: {
          status_list: {
            idx: place % LIST_PLACES,
            uri: statusListUri(issuer, Math.floor(place / LIST_PLACES)),
          },
        },
      };

/**
 * The bytes of a list (draft-20 section 4.1): two bits per place, the first place in the lowest bits of its
 * byte. Free places are filled with decoys. `seed` chooses them and their number, which varies by a factor of
 * ten, so one look at a list does not tell how many mandates there are. Two looks do show what changed
 * between them. `taken` must hold places of this list only. Not `@sd-jwt/jwt-status-list`: it takes an array
 * with one number for each of the 2^17 places, and knows no decoys.
 */
export function statusBytes(taken: readonly TakenPlace[], seed: string): Buffer {
  const bytes = Buffer.alloc(LIST_PLACES / PER_BYTE);
  const put = (index: number, status: number): void => {
    const shift = (index % PER_BYTE) * BITS;
    const at = Math.floor(index / PER_BYTE);
    bytes[at] = (bytes[at]! & ~(0b11 << shift)) | (status << shift);
  };
  for (const index of decoys(seed, DECOYS.revoked)) put(index, 1);
  for (const index of decoys(`${seed} suspended`, DECOYS.suspended)) put(index, 2);
  for (const { place, status } of taken) put(place % LIST_PLACES, status);
  return bytes;
}

/**
 * Uses SHAKE256 as a random stream: first the number of decoys, then their places. The same seed gives the
 * same decoys in every process.
 */
function decoys(seed: string, [fewest, most]: readonly [number, number]): number[] {
  const [least, top] = [Math.floor(LIST_PLACES / fewest), Math.floor(LIST_PLACES / most)];
  const stream = createHash('shake256', { outputLength: (top + 1) * 4 })
    .update(seed)
    .digest();
  const count = least + (stream.readUInt32BE(0) % (top - least + 1));
  return Array.from({ length: count }, (_, at) => stream.readUInt32BE((at + 1) * 4) % LIST_PLACES);
}

/** Creates the publisher. At most `MAX_KEPT` lists are cached. */
export function createStatusLists(
  parts: Pick<KernelParts, 'baseUrl' | 'read' | 'secrets' | 'now'>,
  keys: SigningKeys,
): StatusListPublisher {
  const kept = new LRUCache<string, Kept>({ max: MAX_KEPT });

  async function build(tenantId: string, list: number, nowMs: number): Promise<SignedStatusList | null> {
    const taken = await reach(parts.read(tenantId, (reader) => takenPlaces(reader, list)));
    if (taken.length === 0 && list > 0) return null;
    const issuer = issuerOf(parts.baseUrl, tenantId);
    const signer = await keys.signer(tenantId);
    const iat = Math.floor(nowMs / 1000);
    const bytes = statusBytes(taken, parts.secrets.digest(`status list ${tenantId} ${list}`));
    const claims = {
      iss: issuer,
      sub: statusListUri(issuer, list),
      iat,
      exp: iat + STATUS_LIFE_SECONDS,
      ttl: STATUS_TTL_SECONDS,
      status_list: { bits: BITS, lst: deflateSync(bytes, { level: 9 }).toString('base64url') },
    };
    const jwt = signJwt({ typ: 'statuslist+jwt', alg: 'ES256', kid: signer.kid }, claims, signer.privateKey);
    return { jwt, untilMs: nowMs + STATUS_TTL_SECONDS * 1000 };
  }

  /** Dated before the read, so its content is never older than it claims. */
  const begin = (tenantId: string, list: number, nowMs: number): Kept => ({
    untilMs: nowMs + STATUS_TTL_SECONDS * 1000,
    list: build(tenantId, list, nowMs),
    replacing: true,
  });

  /**
   * Replaces the served list once the new one is built. If that fails, the old list stays and the next
   * request tries again.
   */
  const keep = (name: string, fresh: Kept, old: Kept): void => {
    const replaced = async (): Promise<void> => {
      try {
        await fresh.list;
        fresh.replacing = false;
        if (kept.get(name) === old) kept.set(name, fresh);
      } catch {
        old.replacing = false;
      }
    };
    void replaced();
  };

  return {
    list: async (tenantId, list) => {
      const name = `${tenantId}/${list}`;
      const nowMs = parts.now().getTime();
      const known = kept.get(name);
      if (known !== undefined && nowMs < known.untilMs) return known.list;
      if (known !== undefined && nowMs < known.untilMs + BESIDE_SECONDS * 1000) {
        if (!known.replacing) {
          known.replacing = true;
          keep(name, begin(tenantId, list, nowMs), known);
        }
        return known.list;
      }
      const fresh = begin(tenantId, list, nowMs);
      kept.set(name, fresh);
      fresh.list.then(
        () => (fresh.replacing = false),
        () => kept.get(name) === fresh && kept.delete(name),
      );
      return fresh.list;
    },
    addresses: async (tenantId) => {
      const count = await reach(parts.read(tenantId, countLists));
      const issuer = issuerOf(parts.baseUrl, tenantId);
      return Array.from({ length: count }, (_, list) => statusListUri(issuer, list));
    },
    flush: () => kept.clear(),
  };
}
