import { fromUtf8 } from './base64url.ts';
import { ProkuraError } from './errors.ts';

/** The part of `fetch` that is used here. */
export type Fetch = (input: string | URL, init?: RequestInit) => Promise<Response>;

/** Limits on the time and size of an answer. */
export interface Limits {
  readonly timeoutMs: number;
  readonly maxBytes: number;
}

/** A complete answer. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** The platform's `fetch`, looked up at each call. */
export const platformFetch: Fetch = (input, init) => globalThis.fetch(input, init);

/**
 * Sends one request and reads the whole answer. Does not follow redirects, because requests contain
 * secrets for one address. Throws ProkuraError `unavailable` (no answer, too late or too long) and
 * `invalid_response` (a redirect). The time limit works through an AbortSignal, so a custom `fetch`
 * that ignores the signal has no limit.
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
      throw new ProkuraError('invalid_response', `${url} sent a redirect, which is not followed.`, {
        status: response.status,
      });
    }
    const { status, headers } = response;
    return { status, headers, bytes: await readCapped(response.body, limits.maxBytes) };
  } catch (error) {
    if (error instanceof ProkuraError) throw error;
    throw new ProkuraError('unavailable', `${url} sent an unexpected response.`, { cause: error });
  }
}

/** Reads a stream to its end. If it is longer than `maxBytes`, cancels it and throws RangeError. */
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

/** The bytes as a JSON object, or null for anything else. */
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
 * Parses an address to which a secret may be sent: https, or http on this machine. Otherwise throws
 * ProkuraError `configuration`; `what` is the name of the setting in the message.
 */
export function safeUrl(text: string, what: string): URL {
  if (!URL.canParse(text)) throw new ProkuraError('configuration', `${what} is not a URL.`);
  const url = new URL(text);
  const secure = url.protocol === 'https:' || (url.protocol === 'http:' && LOOPBACK.has(url.hostname));
  if (!secure || url.username !== '' || url.password !== '')
    throw new ProkuraError('configuration', `${what} must be an https URL without a user name.`);
  return url;
}
