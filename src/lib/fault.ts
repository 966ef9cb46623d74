import { oneLine } from './sanitise.ts';

/**
 * The kinds of failures, by what resolves them: the caller (the first five), time (`rate_limited`,
 * `unavailable`), or us (`internal`).
 */
export type FaultCode =
  | 'invalid_input'
  | 'unauthenticated'
  | 'forbidden'
  | 'not_found'
  | 'conflict'
  | 'rate_limited'
  | 'unavailable'
  | 'internal';

/** A problem in an input: the field by its path, and what to send instead. */
export interface Problem {
  readonly field: string;
  readonly problem: string;
}

/**
 * Machine-readable data that the caller may see. Only the named members decide anything; all others are only
 * shown.
 */
export interface FaultDetail {
  /** Why, as a code: `not_eligible`. */
  readonly reason?: string | undefined;
  /** The fields of the input that do not fit. */
  readonly problems?: readonly Problem[];
  /** What the caller, or our own credential, lacks. */
  readonly missing?: readonly string[] | Readonly<Record<string, unknown>> | undefined;
  /** When it can be tried again, in seconds from now. */
  readonly retry_after_seconds?: number;
  /** Whether a change may have taken effect. False: it has not. Absent: that is unknown. */
  readonly unanswered?: boolean;
  /** What the provider said. `code` and `summary` are empty if that could not be read. */
  readonly provider?: ProviderAnswer;
  /** The error code for a 401 about a bound token or its proof (RFC 9449 section 7.1). */
  readonly dpop?: 'invalid_dpop_proof' | 'invalid_token' | 'use_dpop_nonce';
  readonly [shown: string]: unknown;
}

/** How a provider refused, in its own words. */
export type ProviderAnswer = {
  readonly status: number;
  readonly code: string;
  readonly summary: string;
  readonly request_id: string;
};

/** The parts of a Fault besides code and message. */
export interface FaultOptions {
  readonly detail?: FaultDetail;
  /**
   * The input field that caused the failure. Forms show the message there; it is added to `detail.problems`.
   */
  readonly field?: string;
  /** The underlying error. It is logged and never shown. */
  readonly cause?: unknown;
}

/**
 * The one error type that crosses layers. `message` is public: it says what the reader can do next and
 * contains no secret. Each interface maps the code to its own protocol in its `faults.ts`; there, any other
 * error becomes `internal`.
 */
export class Fault extends Error {
  readonly code: FaultCode;
  readonly detail: FaultDetail;

  constructor(code: FaultCode, message: string, options: FaultOptions = {}) {
    // The message may contain a name from outside, and every interface shows it beside our own words.
    super(oneLine(message), options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'Fault';
    this.code = code;
    this.detail = {
      ...(options.field === undefined ? {} : { problems: [{ field: options.field, problem: this.message }] }),
      ...options.detail,
    };
  }
}

/**
 * Turns anything that was thrown into a Fault. A Fault stays the same; anything else becomes `internal`, with
 * the original as cause. The message does not say what was done, because that is unknown here. The interface
 * that logs it adds an error id.
 */
export function asFault(error: unknown): Fault {
  if (error instanceof Fault) return error;
  return new Fault('internal', 'An internal error occurred.', { cause: error });
}
