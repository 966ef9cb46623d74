/** An answer whose body was read. `text` is empty if there was none. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** One attempt. `signals` end it early; `timeoutMs` covers connecting, waiting and reading the body. */
export interface Attempt {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  readonly timeoutMs: number;
  readonly signals: readonly AbortSignal[];
}

/** Thrown when no answer came. `sent` is false only if Okta provably never saw the request. */
export class NoAnswer extends Error {
  readonly reason: 'timeout' | 'cancelled' | 'network';
  readonly sent: boolean;

  constructor(reason: NoAnswer['reason'], sent: boolean, cause?: unknown) {
    super(`no answer: ${reason}`, cause === undefined ? undefined : { cause });
    this.name = 'NoAnswer';
    this.reason = reason;
    this.sent = sent;
  }
}

// Failures before the request could leave: name resolution, connecting, the TLS handshake.
const NEVER_SENT = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);

/**
 * Sends one request with Node's fetch and reads the whole answer, whatever its status. Throws `NoAnswer`.
 *
 * The SDK's transport is not used: it applies `https_proxy` to http:// as well, and ignores NO_PROXY. To use
 * a proxy, set `NODE_USE_ENV_PROXY=1`, which honours NO_PROXY. Redirects are returned, not followed, so the
 * credential goes to no other host.
 */
export async function send(attempt: Attempt): Promise<Answer> {
  if (attempt.signals.some((one) => one.aborted)) throw new NoAnswer('cancelled', false);
  const deadline = AbortSignal.timeout(attempt.timeoutMs);
  try {
    const response = await fetch(attempt.url, {
      method: attempt.method,
      headers: attempt.headers,
      ...(attempt.body === undefined ? {} : { body: attempt.body }),
      redirect: 'manual',
      signal: AbortSignal.any([deadline, ...attempt.signals]),
    });
    return { status: response.status, headers: response.headers, text: await response.text() };
  } catch (error) {
    if (attempt.signals.some((one) => one.aborted)) throw new NoAnswer('cancelled', true);
    if (deadline.aborted) throw new NoAnswer('timeout', true);
    const code = codeOf(error);
    throw new NoAnswer('network', !NEVER_SENT.has(code), code === '' ? undefined : new Error(code));
  }
}

// undici puts the socket's error into `cause`. Keep only its code, since messages may quote what was sent.
function codeOf(error: unknown): string {
  const cause: unknown = error instanceof Error ? error.cause : undefined;
  const code: unknown =
    typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : undefined;
  return typeof code === 'string' ? code : '';
}
