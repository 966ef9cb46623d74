import { oneLine } from './sanitise.ts';

/** Who can act on a failure: the caller (first six), time (`rate_limited`, `unavailable`), or us (`internal`). */
export type FaultCode =
  | 'invalid_input'
  | 'unauthenticated'
  | 'forbidden'
  | 'not_found'
  | 'conflict'
  | 'rate_limited'
  | 'unavailable'
  | 'internal';

export interface FaultOptions {
  /** Machine-readable facts that may be shown to the caller: a reason code, a provider's error code, field problems. */
  readonly detail?: Readonly<Record<string, unknown>>;
  /** The field of the input that is to blame, where it is one: forms show the message there, and it stands in `detail.problems`. */
  readonly field?: string;
  /** What happened underneath; logged, never shown. */
  readonly cause?: unknown;
}

/**
 * The one error that crosses layers. `message` is public: it says what the reader can do next and holds no secret.
 * Each door maps the code to its own wire form in its `faults.ts`; everything that is not a Fault is `internal` there.
 */
export class Fault extends Error {
  readonly code: FaultCode;
  readonly detail: Readonly<Record<string, unknown>>;

  constructor(code: FaultCode, message: string, options: FaultOptions = {}) {
    // It may hold a name, and stands beside words of ours at every door.
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
 * Turns anything thrown into a Fault: a Fault stays itself, anything else becomes `internal` with the original as cause. Its message does not
 * say what was or was not done: nobody knows where it was thrown. A door that logs it adds its error id.
 */
export function asFault(error: unknown): Fault {
  if (error instanceof Fault) return error;
  return new Fault('internal', 'Something unexpected went wrong on our side.', { cause: error });
}
