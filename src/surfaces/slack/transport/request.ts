import { createHmac, timingSafeEqual } from 'node:crypto';
import { readBody } from '#lib/body.ts';
import type { Wire } from '../wire.ts';

/** The most bytes that a request of Slack's may have; what it really sends is below 100 KiB. */
export const MAX_BODY_BYTES = 1024 * 1024;

/** How far Slack's timestamp may lie from our clock, in seconds, on either side. */
export const WINDOW_SECONDS = 300;

/** The fewest characters that a signing secret has; Slack makes 32. */
export const MIN_SIGNING_SECRET = 16;

/** Why a request is not taken, as an HTTP status and a word; the word says nothing of the body. */
export interface Rejection {
  readonly status: 400 | 401 | 403 | 404 | 413 | 415 | 500 | 503;
  readonly error: string;
}

/** What Slack signed, or why it was not Slack. */
export type Verified = { readonly signature: string } | Rejection;

export const isRejection = (value: object): value is Rejection => 'status' in value && 'error' in value;

/**
 * The body's bytes, or a rejection: 413 as soon as they are more than the limit, whatever `content-length`
 * says; the rest is not read.
 */
export async function signedBody(request: Request): Promise<Uint8Array | Rejection> {
  return (await readBody(request, MAX_BODY_BYTES)) ?? { status: 413, error: 'too_large' };
}

/**
 * Whether Slack signed exactly these bytes now, with any of the secrets (two during a rotation). Compares in
 * constant time, and tries every secret whichever fits. Does not say whether the request was seen before.
 * Source: docs.slack.dev/authentication/verifying-requests-from-slack; Bolt's own check takes timestamps of
 * the future.
 */
export function verifySignature(
  headers: Headers,
  body: Uint8Array,
  secrets: readonly string[],
  nowMs: number,
): Verified {
  const refused = { status: 401, error: 'invalid_signature' } as const;
  const timestamp = headers.get('x-slack-request-timestamp') ?? '';
  const signature = headers.get('x-slack-signature') ?? '';
  if (!/^\d{1,12}$/.test(timestamp) || !/^v0=[0-9a-f]{64}$/.test(signature)) return refused;
  if (Math.abs(nowMs / 1000 - Number(timestamp)) > WINDOW_SECONDS) return refused;
  const given = Buffer.from(signature);
  const fits = secrets.map((secret) => {
    const digest = createHmac('sha256', secret).update(`v0:${timestamp}:`).update(body).digest('hex');
    return timingSafeEqual(Buffer.from(`v0=${digest}`), given);
  });
  return fits.includes(true) ? { signature } : refused;
}

/** A request as Bolt takes it. `form` where it came as one: a command, or a `payload`. */
export interface Parsed {
  readonly kind: 'json' | 'form';
  readonly body: Wire;
}

/**
 * The body by its media type; parameters such as `charset` do not matter. 415 for another type; 400 for what
 * is no JSON object, is not UTF-8, or names a form field twice: two readers could take different ones.
 */
export function parseBody(contentType: string | null, bytes: Uint8Array): Parsed | Rejection {
  const type = (contentType ?? '').split(';')[0]?.trim().toLowerCase();
  const text = utf8(bytes);
  if (type !== 'application/json' && type !== FORM) return { status: 415, error: 'unsupported_media_type' };
  if (text === null) return malformed;
  if (type === 'application/json') return jsonObject('json', text);
  const fields = formFields(text);
  if (fields === null) return malformed;
  return 'payload' in fields ? jsonObject('form', String(fields['payload'])) : { kind: 'form', body: fields };
}

/**
 * True for Slack's check of our certificate, which it does not sign: a form whose `ssl_check` is `1`. Nothing
 * in it is used.
 */
export function isSslCheck(contentType: string | null, bytes: Uint8Array): boolean {
  if (!(contentType ?? '').toLowerCase().startsWith(FORM)) return false;
  return formFields(utf8(bytes) ?? '')?.['ssl_check'] === '1';
}

const FORM = 'application/x-www-form-urlencoded';
const malformed: Rejection = { status: 400, error: 'malformed' };

function utf8(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

function formFields(text: string): Wire | null {
  const fields = [...new URLSearchParams(text)];
  const names = new Set(fields.map(([name]) => name));
  const plain = [...names].every((name) => /^[a-z_]{1,64}$/.test(name));
  return names.size === fields.length && plain ? Object.fromEntries(fields) : null;
}

function jsonObject(kind: Parsed['kind'], text: string): Parsed | Rejection {
  try {
    const body = JSON.parse(text) as unknown;
    return typeof body === 'object' && body !== null && !Array.isArray(body)
      ? { kind, body: body as Wire }
      : malformed;
  } catch {
    return malformed;
  }
}
