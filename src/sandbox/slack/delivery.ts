import { signSlackRequest } from './sign.ts';
import type { ShownError, Wire } from './types.ts';

/** What Slack can send; options travel as interactive payloads, in the same form field. */
export type SendKind = 'command' | 'interactive' | 'options' | 'event';

/** Ways in which a request is not what Slack would send. */
export interface Tamper {
  /** Sign with another secret. */
  readonly secret?: string;
  /** Seconds by which the timestamp is off: negative is the past. */
  readonly skewSeconds?: number;
  /** This body is sent, though another was signed. */
  readonly body?: string;
  /** Another signature version than `v0`. */
  readonly version?: string;
  /** Headers that replace those computed; an empty string removes one. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** One request to the app under test. `payload` is sent as it is: nothing is added or checked. */
export interface SendOptions {
  readonly kind: SendKind;
  readonly payload: Wire;
  readonly tamper?: Tamper;
  readonly retry?: { readonly num: number; readonly reason: string };
}

/** A request that was sent, byte for byte, so that a test can send it again. */
export interface SentRequest {
  readonly kind: SendKind;
  readonly payload: Wire;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** The app's answer. `status` is 0 and `shown` says why where there was none within three seconds. */
export interface Delivery {
  readonly status: number;
  readonly body: unknown;
  readonly shown: ShownError;
  readonly headers: Readonly<Record<string, string>>;
  readonly request: SentRequest;
}

/** How long Slack waits for an acknowledgement. */
export const ACK_MS = 3000;

const FORM = 'application/x-www-form-urlencoded';

function encode({ kind, payload }: SendOptions): { body: string; type: string } {
  if (kind === 'event') return { body: JSON.stringify(payload), type: 'application/json' };
  const fields =
    kind === 'command'
      ? Object.entries(payload).map(([name, value]): [string, string] => [name, String(value)])
      : [['payload', JSON.stringify(payload)] satisfies [string, string]];
  return { body: new URLSearchParams(fields).toString(), type: FORM };
}

/**
 * Builds and signs a request as Slack does, with whatever is to be wrong about it. `nowMs` is Slack's clock.
 */
export function signedRequest(options: SendOptions, secret: string, nowMs: number): SentRequest {
  const { body, type } = encode(options);
  const { tamper = {}, retry } = options;
  const seconds = Math.floor(nowMs / 1000) + (tamper.skewSeconds ?? 0);
  const headers: Record<string, string> = {
    'content-type': type,
    'user-agent': 'Slackbot 1.0 (+https://api.slack.com/robots)',
    ...signSlackRequest(body, tamper.secret ?? secret, seconds, tamper.version),
    ...(retry === undefined
      ? {}
      : { 'x-slack-retry-num': String(retry.num), 'x-slack-retry-reason': retry.reason }),
    ...tamper.headers,
  };
  const kept = Object.entries(headers).filter(([, value]) => value !== '');
  return {
    kind: options.kind,
    payload: options.payload,
    body: tamper.body ?? body,
    headers: Object.fromEntries(kept),
  };
}

/**
 * Sends a request and waits three seconds for the answer. Never rejects: a person would see an error, not an
 * exception.
 */
export async function deliver(url: string, request: SentRequest, ackMs = ACK_MS): Promise<Delivery> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: request.headers,
      body: request.body,
      redirect: 'manual',
      signal: AbortSignal.timeout(ackMs),
    });
    const body = parsed(await response.text());
    const shown = response.status === 200 ? null : 'dispatch_failed';
    return { status: response.status, body, shown, headers: Object.fromEntries(response.headers), request };
  } catch (error) {
    const late = error instanceof Error && error.name === 'TimeoutError';
    return {
      status: 0,
      body: null,
      shown: late ? 'operation_timeout' : 'dispatch_failed',
      headers: {},
      request,
    };
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
