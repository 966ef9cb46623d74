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

/** The parts of a Fault besides code and message. */
export interface FaultOptions {
  /**
   * Machine-readable data that the caller may see: a reason code, a provider's error code, field problems.
   */
  readonly detail?: Readonly<Record<string, unknown>>;
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
  readonly detail: Readonly<Record<string, unknown>>;

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
