import { fromBase64url, fromUtf8 } from './base64url.ts';
import { ProkuraError } from './errors.ts';
import { exchangeHttp, readCapped, safeUrl, type Fetch } from './http.ts';
import { isNumericDate, parseJwt } from './jwt.ts';
import type { RemoteKeys } from './remote-keys.ts';

/** The place of a token's status (Token Status List, draft-ietf-oauth-status-list-20, section 6.2). */
export interface StatusReference {
  readonly idx: number;
  readonly uri: string;
}

/** Reads statuses of tokens. */
export interface StatusLists {
  /**
   * The status at the reference: 0 valid, 1 invalid, 2 suspended. Null if the list has no such place.
   * Throws ProkuraError `unavailable` if the list cannot be fetched, is not signed by the issuer, has
   * another address, has expired or is too large.
   */
  statusOf(reference: StatusReference): Promise<number | null>;
}

/** The longest time for which a list is used, in seconds, whatever its `ttl` allows. */
const MAX_KEPT_SECONDS = 60;
const MAX_BYTES = 1024 * 1024;
/** The maximum size of an inflated list, in bytes: 16 million mandates with two bits each. */
const MAX_INFLATED_BYTES = 4 * 1024 * 1024;
const LIMITS = { timeoutMs: 2_000, maxBytes: MAX_BYTES };
const MAX_LISTS = 100;
const TYPES = new Set(['statuslist+jwt', 'application/statuslist+jwt']);

interface List {
  readonly bits: number;
  readonly bytes: Uint8Array;
  readonly untilMs: number;
}

const unusable = (reason: string, cause?: unknown) =>
  new ProkuraError(
    'unavailable',
    'The revocation status of this token could not be checked. Try again later.',
    {
      status: 503,
      reason: `status_list_${reason}`,
      cause,
    },
  );

/** The reference in `status.status_list`. Null if there is no `status`, `malformed` if it cannot be read. */
export function statusReference(status: unknown): StatusReference | 'malformed' | null {
  if (status === undefined) return null;
  if (typeof status !== 'object' || status === null) return 'malformed';
  const list = (status as Record<string, unknown>)['status_list'];
  if (typeof list !== 'object' || list === null) return 'malformed';
  const { idx, uri } = list as Record<'idx' | 'uri', unknown>;
  if (!Number.isSafeInteger(idx) || (idx as number) < 0 || typeof uri !== 'string') return 'malformed';
  return { idx: idx as number, uri };
}

/** Creates the reader. `skewSeconds`: how far clocks may differ. */
export function createStatusLists(parts: {
  keys: RemoteKeys;
  fetch: Fetch;
  now: () => Date;
  issuer: string;
  skewSeconds: number;
}): StatusLists {
  const { fetch } = parts;
  const kept = new Map<string, List>();
  const flights = new Map<string, Promise<List>>();

  async function load(uri: string): Promise<List> {
    const url = safeUrl(uri, 'The URL of the status list').href;
    const answer = await exchangeHttp(
      fetch,
      url,
      { headers: { accept: 'application/statuslist+jwt' } },
      LIMITS,
    );
    const type = (answer.headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase();
    if (answer.status !== 200 || type !== 'application/statuslist+jwt') throw unusable('answer');
    const jwt = parseJwt((fromUtf8(answer.bytes) ?? '').trim(), MAX_BYTES);
    if (jwt === null || !TYPES.has(String(jwt.header['typ']))) throw unusable('malformed');
    if ((await parts.keys.verify(jwt)) !== 'holds') throw unusable('signature');
    return read(jwt.claims, uri);
  }

  async function read(claims: Readonly<Record<string, unknown>>, uri: string): Promise<List> {
    const {
      sub,
      iss,
      iat,
      exp,
      ttl,
      status_list: list,
    } = claims as Record<'sub' | 'iss' | 'iat' | 'exp' | 'ttl' | 'status_list', unknown>;
    const nowMs = parts.now().getTime();
    const seconds = nowMs / 1000;
    if (sub !== uri) throw unusable('sub');
    if (iss !== undefined && iss !== parts.issuer) throw unusable('iss');
    if (!isNumericDate(iat) || iat > seconds + parts.skewSeconds) throw unusable('iat');
    if (exp !== undefined && (!isNumericDate(exp) || exp <= seconds)) throw unusable('expired');
    if (ttl !== undefined && (!isNumericDate(ttl) || ttl <= 0)) throw unusable('ttl');
    const { bits, lst } = (typeof list === 'object' && list !== null ? list : {}) as Record<
      'bits' | 'lst',
      unknown
    >;
    const deflated = typeof lst === 'string' ? fromBase64url(lst) : null;
    if (![1, 2, 4, 8].includes(bits as number) || deflated === null) throw unusable('malformed');
    const life = Math.min(MAX_KEPT_SECONDS, isNumericDate(ttl) ? ttl : MAX_KEPT_SECONDS);
    const untilMs = Math.min(nowMs + life * 1000, isNumericDate(exp) ? exp * 1000 : Infinity);
    return { bits: bits as number, bytes: await inflate(deflated), untilMs };
  }

  async function listAt(uri: string): Promise<List> {
    const known = kept.get(uri);
    if (known !== undefined && parts.now().getTime() < known.untilMs) return known;
    kept.delete(uri);
    let flight = flights.get(uri);
    if (flight === undefined) {
      flight = load(uri)
        .then((list) => {
          const oldest = kept.keys().next();
          if (kept.size >= MAX_LISTS && oldest.done !== true) kept.delete(oldest.value);
          kept.set(uri, list);
          return list;
        })
        .finally(() => flights.delete(uri));
      flights.set(uri, flight);
    }
    return flight;
  }

  return {
    statusOf: async ({ idx, uri }) => {
      let list: List;
      try {
        list = await listAt(uri);
      } catch (error) {
        throw error instanceof ProkuraError && error.code === 'unavailable' && error.reason !== undefined
          ? error
          : unusable('answer', error);
      }
      return statusAt(list.bytes, list.bits, idx);
    },
  };
}

/**
 * The entry at `idx` of a list with `bits` bits per entry, the first entry in the lowest bits of its byte
 * (draft-20 section 4.1). Null beyond the end.
 */
export function statusAt(bytes: Uint8Array, bits: number, idx: number): number | null {
  const perByte = 8 / bits;
  const byte = bytes[Math.floor(idx / perByte)];
  return byte === undefined ? null : (byte >> ((idx % perByte) * bits)) & (2 ** bits - 1);
}

async function inflate(deflated: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  try {
    const stream = new Blob([deflated]).stream().pipeThrough(new DecompressionStream('deflate'));
    return await readCapped(stream, MAX_INFLATED_BYTES);
  } catch (error) {
    throw unusable(error instanceof RangeError ? 'too_large' : 'malformed', error);
  }
}
