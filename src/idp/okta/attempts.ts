import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '#lib/log.ts';
import { backoffMs, rateLimitWaitMs } from './rate-limit.ts';
import { NoAnswer, type Answer } from './transport.ts';

/** What may be repeated, and for how long. */
export interface Plan {
  /** Whether a repetition could act twice. A change is repeated only if nothing provably happened. */
  readonly change: boolean;
  /** No attempt begins later than this after the first one, in ms. */
  readonly budgetMs: number;
  readonly signals: readonly AbortSignal[];
  readonly log?: Logger | undefined;
}

// How often a 5xx or a silent read is repeated, and how often a 429.
const MOST_REPEATS = { failure: 2, rateLimit: 5 } as const;

/**
 * Calls `once` until its answer need not be repeated, and returns the last answer, whatever its status.
 * Throws the last `NoAnswer` if there is none.
 *
 * After a 429 Okta did nothing, so reads and changes are repeated after the time that it names, if that fits
 * into the budget. After a 5xx or silence, reads are repeated; a change is repeated only if its request
 * provably never left (refused connection). Not `p-retry`: whether and when to repeat is all that is here,
 * and it would still have to be told.
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

/** How long until the next attempt, in ms, or null if this outcome is final. */
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
    // A pause follows only what provably did not happen, so the request counts as not sent.
    throw new NoAnswer('cancelled', false);
  }
}
