import { setTimeout as sleep } from 'node:timers/promises';
import { randomBytes } from 'node:crypto';

/** A fault to inject: into which requests, and how often. Field names are those of the control API. */
export interface FaultRule {
  /** The HTTP method. Absent: every method. */
  readonly method?: string;
  /** A regular expression that is matched against the path with its query. */
  readonly path: string;
  /** How many requests it hits before it is used up. The default is 1. */
  readonly times?: number;
  readonly status?: 429 | 500 | 503 | 403;
  readonly okta_code?: string;
  /** Sends an HTML page instead of JSON, like a proxy in front of Okta. */
  readonly html_body?: boolean;
  readonly delay_ms?: number;
  /** Makes the change, then closes the connection without an answer. */
  readonly drop_after_apply?: boolean;
  /** Answers 200 with an empty object and does nothing. */
  readonly only_says_done?: boolean;
  /** Does nothing and does not answer until the simulator closes. */
  readonly hang?: boolean;
}

/** A rule in force, with its id, the hits that are left and the hits so far. */
export interface ActiveFault extends FaultRule {
  readonly id: string;
  remaining: number;
  hits: number;
}

/** Holds the rules in order. The oldest matching rule that is not used up applies. */
export class FaultInjector {
  #rules: ActiveFault[] = [];
  readonly #patterns = new Map<string, RegExp>();
  readonly #closed = new AbortController();

  /** Adds a rule. Throws SyntaxError if `path` is not a valid regular expression. */
  add(rule: FaultRule): ActiveFault {
    const pattern = new RegExp(rule.path, 'u');
    const fault: ActiveFault = {
      ...rule,
      id: `flt_${randomBytes(6).toString('hex')}`,
      remaining: rule.times ?? 1,
      hits: 0,
    };
    this.#rules.push(fault);
    this.#patterns.set(fault.id, pattern);
    return fault;
  }

  /** All rules, including those that are used up, so that a test sees how often each one hit. */
  list(): readonly ActiveFault[] {
    return this.#rules;
  }

  clear(): void {
    this.#rules = [];
    this.#patterns.clear();
  }

  /** The rule for this request, counted as a hit. Undefined if none applies. */
  take(method: string, pathAndQuery: string): ActiveFault | undefined {
    const fault = this.#rules.find(
      (rule) =>
        rule.remaining > 0 &&
        (rule.method === undefined || rule.method.toUpperCase() === method) &&
        this.#patterns.get(rule.id)?.test(pathAndQuery) === true,
    );
    if (fault === undefined) return undefined;
    fault.remaining -= 1;
    fault.hits += 1;
    return fault;
  }

  /** Waits, or returns early when the simulator closes. */
  async pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#closed.signal }).catch(() => undefined);
  }

  /** Ends every pause and every hanging request. */
  close(): void {
    this.#closed.abort();
  }
}
