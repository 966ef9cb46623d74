import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '#lib/log.ts';
import { backoffMs, rateLimitWaitMs } from './rate-limit.ts';
import { NoAnswer, type Answer } from './transport.ts';

/** What may be repeated, and for how long. */
export interface Plan {
  /** True where a repetition could act twice: then only answers and failures that prove that nothing happened are repeated. */
  readonly change: boolean;
  /** No attempt begins later than this after the first; milliseconds. */
  readonly budgetMs: number;
  readonly signals: readonly AbortSignal[];
  readonly log?: Logger | undefined;
}

/** Repetitions of a 5xx or of a silent read, and of a 429; beyond them the caller hears of it. */
const MOST_REPEATS = { failure: 2, rateLimit: 5 } as const;

/**
 * Calls `once` until it has an answer worth giving, and returns the last answer, good or bad; throws the last `NoAnswer`.
 *
 * 429: Okta did nothing, so everything is repeated after the time it names, if that fits into the budget. 5xx and no
 * answer: reads are repeated, changes are not, unless the request provably never left (refused connection).
 */
export async function untilAnswered(plan: Plan, once: (attempt: number) => Promise<Answer>): Promise<Answer> {
  const startedAt = performance.now();
  for (let attempt = 0; ; attempt += 1) {
    const outcome = await once(attempt).catch((error: unknown) => {
      if (error instanceof NoAnswer) return error;
      throw error;
    });
    const waitMs = waitAfter(outcome, attempt, plan.change);
    const fits = waitMs !== null && performance.now() - startedAt + waitMs <= plan.budgetMs;
    if (!fits) {
      if (outcome instanceof NoAnswer) throw outcome;
      return outcome;
    }
    plan.log?.warn(
      {
        wait_ms: Math.round(waitMs),
        attempt,
        ...(outcome instanceof NoAnswer ? { reason: outcome.reason } : { status: outcome.status }),
      },
      'okta: trying again',
    );
    await pause(waitMs, plan.signals);
  }
}

/** Milliseconds until the next attempt, or null where this outcome is final. */
function waitAfter(outcome: Answer | NoAnswer, attempt: number, change: boolean): number | null {
  if (outcome instanceof NoAnswer) {
    if (outcome.reason === 'cancelled' || (change && outcome.sent)) return null;
    return attempt < MOST_REPEATS.failure ? backoffMs(attempt) : null;
  }
  if (outcome.status === 429)
    return attempt < MOST_REPEATS.rateLimit ? rateLimitWaitMs(outcome.headers, attempt) : null;
  if (outcome.status >= 500 && !change) return attempt < MOST_REPEATS.failure ? backoffMs(attempt) : null;
  return null;
}

async function pause(ms: number, signals: readonly AbortSignal[]): Promise<void> {
  try {
    await sleep(ms, undefined, { signal: AbortSignal.any([...signals]) });
  } catch {
    // Whatever was tried before was proven not to have happened, else there would be no pause.
    throw new NoAnswer('cancelled', false);
  }
}
