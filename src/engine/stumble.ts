import type { CallError } from '#domain/call/call.ts';
import { updateCall, type Call } from '#domain/call/store.ts';
import type { Fault } from '#lib/fault.ts';
import { newId } from '#lib/id.ts';
import type { App } from './app.ts';
import { EXECUTE_CALL } from './saved-call.ts';
import { errorOf, finish, lockCall } from './settle-call.ts';
import type { AnyAct } from './tool.ts';
import { transact } from './transact.ts';

// How often an act is tried before the provider's refusal is final.
const MAX_ATTEMPTS = 5;

/** One try of an act, and what is known about it if it fails. */
export interface Tried {
  readonly call: Call;
  /** The intent of this try was committed. */
  readonly begun: boolean;
  /** This try or an earlier one may have taken effect at the provider. */
  readonly unanswered: boolean;
}

/**
 * Whether the fault of a change proves that the provider did nothing: it refused, or the request never
 * reached it.
 */
export const nothingDone = ({ code, detail }: Fault): boolean =>
  (code !== 'unavailable' && code !== 'internal') || detail.unanswered === false;

/**
 * Handles an act that the provider refused or did not answer. A fault that may be temporary is retried later;
 * any other ends the call. An act that may have taken effect ends as `unknown`, never as `failed`. The error
 * keeps the provider's own code and summary.
 */
export async function stumble(app: App, tried: Tried, tool: AnyAct, fault: Fault): Promise<void> {
  const { call, begun, unanswered } = tried;
  const attempts = call.attempt + (begun ? 0 : 1);
  // Our own hold is already in place, so keep asking the provider (law 9).
  const enough = attempts >= MAX_ATTEMPTS && tool.hold === undefined;
  if (enough || !isTransient(fault))
    return finish(app, call, unanswered ? 'unknown' : 'failed', { error: finalError(app, tried, fault) });
  app.log.warn(
    { call: call.id, attempt: attempts, code: fault.code, cause: fault.cause },
    'an act is tried again',
  );
  const startAfter = new Date(app.now().getTime() + retryDelayMs(fault, attempts));
  await transact(app, call.tenantId, async (ctx) => {
    const row = await lockCall(ctx, call.id);
    if (row === null || row.attempt !== call.attempt) return;
    // A failed look counts as an attempt too. Otherwise a provider that is down for good would be asked for
    // ever.
    await updateCall(ctx, row.id, { attempt: attempts, unanswered });
    ctx.enqueue(EXECUTE_CALL, { call: row.id }, startAfter);
  });
}

const isTransient = ({ code }: Fault): boolean =>
  code === 'rate_limited' || code === 'unavailable' || code === 'internal';

/**
 * The error of the ended call. It says whether an earlier try may have taken effect. An unexpected error is
 * logged under an id, which the message names.
 */
function finalError(app: App, { call, unanswered }: Tried, fault: Fault): CallError {
  const error = errorOf(fault);
  const errorId = fault.code === 'internal' ? newId('err') : null;
  if (errorId !== null)
    app.log.error({ err: fault.cause, error_id: errorId, call: call.id }, 'an act failed unexpectedly');
  const words = [
    errorId === null ? fault.message : `${fault.message} Give an administrator the error ID ${errorId}.`,
    ...(unanswered
      ? ['It may or may not have taken effect. Check at the provider before you try again.']
      : []),
  ];
  const detail = errorId === null ? error.detail : { ...error.detail, error_id: errorId };
  return { ...error, message: words.join(' '), ...(detail === undefined ? {} : { detail }) };
}

/**
 * How long to wait before the next try, in ms: until the provider's limit resets where it says so; otherwise
 * 1, 2, 4, … seconds, at most a minute.
 */
function retryDelayMs(fault: Fault, attempts: number): number {
  const told = fault.detail.retry_after_seconds;
  return told === undefined ? Math.min(500 * 2 ** attempts, 60_000) : Math.max(told, 1) * 1000;
}
