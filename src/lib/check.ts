/** One question about how this installation is set up, and its answer. Holds no secret. */
export interface Check {
  /** For programs, stable: `okta.token`. */
  readonly id: string;
  /** What was asked, for people: "Okta: token of the service app". */
  readonly asked: string;
  readonly status: 'ok' | 'warning' | 'failed';
  /** What was found, in one sentence. */
  readonly found: string;
  /** What to do about it, in one sentence; null: nothing. */
  readonly remedy: string | null;
  /** Why it failed, as a short code: `invalid_auth`, `dns`, `timeout`. Can be shown to anybody. */
  readonly code?: string;
}

/** Makes the answers to one question. */
export interface Answers {
  ok(found: string): Check;
  warning(found: string, remedy: string): Check;
  failed(found: string, remedy: string, code?: string): Check;
}

/** The answers to the question with this id, which reads so for people. */
export const answersTo = (id: string, asked: string): Answers => ({
  ok: (found) => ({ id, asked, status: 'ok', found, remedy: null }),
  warning: (found, remedy) => ({ id, asked, status: 'warning', found, remedy }),
  failed: (found, remedy, code) => ({
    id,
    asked,
    status: 'failed',
    found,
    remedy,
    ...(code === undefined ? {} : { code }),
  }),
});

/** Why something could not be reached. */
export interface Silence {
  readonly code: 'dns' | 'refused' | 'timeout' | 'tls' | 'network';
  /** Goes on after the name of what was asked: "does not answer in time". */
  readonly words: string;
}

const DNS = new Set(['ENOTFOUND', 'EAI_AGAIN', 'EAI_NODATA', 'EAI_NONAME']);
const TIMEOUT = new Set([
  'ETIMEDOUT',
  'CONNECT_TIMEOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
]);
const TLS = /CERT|^ERR_TLS|^ERR_SSL|SIGNATURE|^EPROTO$/;

/**
 * Why there was no answer, from the codes in an error and its causes. Takes nothing of their messages,
 * which may quote what was sent.
 */
export function silenceOf(error: unknown): Silence {
  const codes: string[] = [];
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if (['TimeoutError', 'AbortError'].includes(cause.name)) codes.push('ETIMEDOUT');
    if ('code' in cause && typeof cause.code === 'string') codes.push(cause.code);
    // What the gateway keeps of an error of a socket is its code alone.
    else if (/^[A-Z][A-Z0-9_]+$/.test(cause.message)) codes.push(cause.message);
    if (cause instanceof AggregateError)
      codes.push(...cause.errors.flatMap((one: { code?: string }) => one.code ?? []));
  }
  const found = (known: (code: string) => boolean) => codes.find(known);
  if (found((code) => DNS.has(code)) !== undefined)
    return { code: 'dns', words: 'cannot be found: its host name is not known to DNS' };
  if (found((code) => code === 'ECONNREFUSED') !== undefined)
    return { code: 'refused', words: 'refuses the connection' };
  if (found((code) => TIMEOUT.has(code)) !== undefined)
    return { code: 'timeout', words: 'does not answer in time' };
  const tls = found((code) => TLS.test(code));
  if (tls !== undefined)
    return { code: 'tls', words: `has a TLS certificate that is not accepted here (${tls})` };
  const why = codes.at(-1);
  return { code: 'network', words: `cannot be reached${why === undefined ? '' : ` (${why})`}` };
}

/** What to do where something cannot be reached. `setting` names the setting with its address. */
export const SILENCE_REMEDY = {
  dns: (setting) => `Check the spelling of ${setting}, and that this machine can resolve names.`,
  refused: (setting) => `Check the host and port in ${setting}, and that something listens there.`,
  timeout: (setting) =>
    `Check ${setting}, and that a firewall or proxy lets this machine connect to it (for an HTTP proxy, set NODE_USE_ENV_PROXY=1 and HTTPS_PROXY).`,
  tls: (setting) =>
    `Check ${setting}; if a proxy inspects TLS, give Node its certificate with NODE_EXTRA_CA_CERTS.`,
  network: (setting) => `Check ${setting}, and the network of this machine.`,
} as const satisfies Record<Silence['code'], (setting: string) => string>;

/**
 * Above so many seconds a difference of clocks is worth a warning; above `failed`, signed requests are
 * refused.
 */
const DRIFT_SECONDS = { warning: 5, failed: 60 };

/**
 * Judges the difference between a clock elsewhere and the one of this machine. `whose`: "The database's".
 */
export function clockCheck(answers: Answers, whose: string, theirMs: number, oursMs: number): Check {
  const seconds = Math.round((theirMs - oursMs) / 100) / 10;
  const found = `${whose} clock is ${Math.abs(seconds)} s ${seconds < 0 ? 'behind' : 'ahead of'} this machine's.`;
  if (Math.abs(seconds) < DRIFT_SECONDS.warning) return answers.ok(found);
  const remedy =
    'Synchronise the clocks of both machines (NTP): tokens and signatures are bound to the time.';
  return Math.abs(seconds) < DRIFT_SECONDS.failed
    ? answers.warning(found, remedy)
    : answers.failed(found, remedy, 'clock');
}
