import { fromUtf8 } from './base64url.ts';
import { ProkuraError } from './errors.ts';

/** The part of `fetch` that is used here. */
export type Fetch = (input: string | URL, init?: RequestInit) => Promise<Response>;

/** How long and how large an answer may be. */
export interface Limits {
  readonly timeoutMs: number;
  readonly maxBytes: number;
}

/** An answer that was read whole. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** The platform's own `fetch`, looked up when it is called. */
export const platformFetch: Fetch = (input, init) => globalThis.fetch(input, init);

/**
 * Sends one request and reads the whole answer. Redirects are not followed: what is sent here is for one address.
 * Throws ProkuraError `unavailable` (no answer, too late, too long) and `invalid_response` (a redirect).
 * The time limit is an AbortSignal: a `fetch` of one's own that ignores it has none.
 */
export async function exchangeHttp(
  fetch: Fetch,
  url: string,
  init: RequestInit,
  limits: Limits,
): Promise<Answer> {
  try {
    const signal = AbortSignal.timeout(limits.timeoutMs);
    const response = await fetch(url, { ...init, redirect: 'manual', signal });
    if (response.type === 'opaqueredirect' || (response.status >= 300 && response.status < 400)) {
      await response.body?.cancel();
      throw new ProkuraError('invalid_response', `${url} redirects, and this is not followed.`, {
        status: response.status,
      });
    }
    const { status, headers } = response;
    return { status, headers, bytes: await readCapped(response.body, limits.maxBytes) };
  } catch (error) {
    if (error instanceof ProkuraError) throw error;
    throw new ProkuraError('unavailable', `${url} did not answer as it should.`, { cause: error });
  }
}

/** Reads a stream to its end; throws RangeError and cancels it once it is longer than `maxBytes`. */
export async function readCapped(
  stream: ReadableStream<Uint8Array> | null,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  if (stream === null) return new Uint8Array(0);
  const reader = stream.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done || value === undefined) break;
    length += value.byteLength;
    if (length > maxBytes) {
      await reader.cancel();
      throw new RangeError(`longer than ${maxBytes} bytes`);
    }
    chunks.push(value);
  }
  const whole = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return whole;
}

/** The bytes as a JSON object; null for anything else. */
export function jsonObject(bytes: Uint8Array): Readonly<Record<string, unknown>> | null {
  const text = fromUtf8(bytes);
  if (text === null) return null;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

/**
 * The address, where a secret may be sent to it: https, or http on this very machine. Throws ProkuraError `configuration`, with
 * `what` naming the setting.
 */
export function safeUrl(text: string, what: string): URL {
  if (!URL.canParse(text)) throw new ProkuraError('configuration', `${what} is not a URL.`);
  const url = new URL(text);
  const secure = url.protocol === 'https:' || (url.protocol === 'http:' && LOOPBACK.has(url.hostname));
  if (!secure || url.username !== '' || url.password !== '')
    throw new ProkuraError('configuration', `${what} must be an https URL without a user name.`);
  return url;
}
