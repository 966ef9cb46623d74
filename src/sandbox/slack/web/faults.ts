/** Something that goes wrong for the next calls of a method. `method` may be `*`, or `response_url`. */
export interface SlackFault {
  readonly method: string;
  readonly kind: 'rate_limited' | 'server_error' | 'slow' | 'error';
  /** How many calls it strikes; 1 by default. */
  readonly times?: number;
  /** Seconds, for `rate_limited`; 1 by default. */
  readonly retryAfter?: number;
  /** How long a `slow` call waits before it is answered. */
  readonly delayMs?: number;
  /** A `slow` call is answered when this settles, in place of `delayMs`: for a race that a test forces. */
  readonly until?: Promise<unknown>;
  /** Slack's error code for `error`: `invalid_blocks`, `message_not_found`, `token_revoked` … */
  readonly error?: string;
}

/** The faults that wait for their calls. */
export interface SlackFaults {
  add(fault: SlackFault): void;
  clear(): void;
  /** Those that have not struck often enough yet. */
  list(): readonly SlackFault[];
}

/** A list of faults, and `take`, with which the Web API asks whether one strikes this call. */
export function createFaults(): SlackFaults & { take(method: string): SlackFault | undefined } {
  let waiting: SlackFault[] = [];
  return {
    add: (fault) => void waiting.push(fault),
    clear: () => {
      waiting = [];
    },
    list: () => [...waiting],
    take(method) {
      const index = waiting.findIndex((one) => one.method === method || one.method === '*');
      const fault = waiting[index];
      if (fault === undefined) return undefined;
      const times = (fault.times ?? 1) - 1;
      if (times <= 0) waiting.splice(index, 1);
      else waiting[index] = { ...fault, times };
      return fault;
    },
  };
}
