/** Details of a failure. */
export interface ErrorFacts {
  /** HTTP status of the answer, or null if there was none. */
  readonly status?: number | null;
  readonly mandateStatus?: string | undefined;
  readonly reason?: string | undefined;
  readonly retryAfterSeconds?: number | undefined;
  readonly cause?: unknown;
}

/** Final states of a mandate: no later request with it can succeed. */
const ENDED = new Set(['revoked', 'expired', 'uses_exhausted']);
const PASSING = new Set(['unavailable', 'temporarily_unavailable', 'server_error']);

/**
 * The only error class of this package. Its message never contains a token.
 *
 * `code` is the server's error code (RFC 6749 section 5.2, RFC 8693 section 2.2.2, RFC 9449 section 5:
 * `invalid_request`, `invalid_client`, `invalid_grant`, `invalid_scope`, `invalid_target`,
 * `invalid_dpop_proof` …) or one of ours: `unavailable` (no answer, or not in time), `invalid_response` (an
 * answer that cannot be relied on), `configuration` (the caller must change something), `unsupported` (the
 * server does not offer it), and for resource servers `invalid_token`.
 */
export class ProkuraError extends Error {
  readonly code: string;
  /** For people: what happened and what to do next. */
  readonly description: string;
  readonly status: number | null;
  /**
   * `revoked`, `expired`, `frozen`, `not_started` or `uses_exhausted`. Only the mandate's own agent is told.
   */
  readonly mandateStatus: string | undefined;
  /**
   * A more precise name than `code`, if there is one: `mandate_revoked`, `principal_inactive`, `audience`,
   * `expired` …
   */
  readonly reason: string | undefined;
  readonly retryAfterSeconds: number | undefined;
  /**
   * Whether this mandate will never give a token again. Then stop, and ask the employee for a new mandate.
   */
  readonly terminal: boolean;
  /** Whether the same request may succeed later without any change. */
  readonly retryable: boolean;

  constructor(code: string, description: string, facts: ErrorFacts = {}) {
    super(`${code}: ${description}`, facts.cause === undefined ? {} : { cause: facts.cause });
    this.name = 'ProkuraError';
    this.code = code;
    this.description = description;
    this.status = facts.status ?? null;
    this.mandateStatus = facts.mandateStatus;
    this.reason = facts.reason;
    this.retryAfterSeconds = facts.retryAfterSeconds;
    this.terminal = facts.mandateStatus !== undefined && ENDED.has(facts.mandateStatus);
    this.retryable = PASSING.has(code) || facts.status === 429;
  }
}

/**
 * The error in the answer of an OAuth endpoint (RFC 6749 section 5.2). `body` is the parsed JSON, or null
 * if there is none.
 */
export function errorOfAnswer(
  status: number,
  headers: Headers,
  body: Readonly<Record<string, unknown>> | null,
  now: Date,
): ProkuraError {
  const text = (name: string): string | undefined => {
    const value = body?.[name];
    return typeof value === 'string' ? value : undefined;
  };
  const code = text('error') ?? (status >= 500 || status === 429 ? 'unavailable' : 'invalid_response');
  return new ProkuraError(code, text('error_description') ?? `The server answered with status ${status}.`, {
    status,
    mandateStatus: text('mandate_status'),
    reason: text('reason'),
    retryAfterSeconds: retryAfter(headers.get('retry-after'), now),
  });
}

/** Parses `Retry-After` (RFC 9110 section 10.2.3): seconds, or a date. */
function retryAfter(value: string | null, now: Date): number | undefined {
  if (value === null) return undefined;
  if (/^\d{1,9}$/.test(value)) return Number(value);
  const moment = Date.parse(value);
  return Number.isNaN(moment) ? undefined : Math.max(0, Math.ceil((moment - now.getTime()) / 1000));
}
