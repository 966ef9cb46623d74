import { findApproval } from '#domain/approval/store.ts';
import { FINAL_STATES } from '#domain/call/call.ts';
import { findCall, type Call } from '#domain/call/store.ts';
import type { TenantReader } from '#domain/context.ts';
import type { App } from './app.ts';
import { outcomeOf, type Outcome } from './outcome.ts';
import { readonly } from './transact.ts';

/**
 * Waits up to `waitMs` ms for the call's final outcome and returns it, or the current outcome when the time
 * is up. Follows superseded calls to their successors.
 */
export async function awaitOutcome(
  app: App,
  tenantId: string,
  callId: string,
  waitMs: number,
  signal?: AbortSignal,
): Promise<Outcome> {
  const final = await app.settled.until(
    callId,
    waitMs,
    () => readonly(app, tenantId, (reader) => finalOutcome(reader, callId)),
    signal,
  );
  if (final !== null && 'next' in final) return awaitOutcome(app, tenantId, final.next, waitMs, signal);
  return final ?? readonly(app, tenantId, (reader) => readOutcome(reader, callId));
}

async function finalOutcome(
  reader: TenantReader,
  callId: string,
): Promise<Outcome | { next: string } | null> {
  const row = await mustFind(reader, callId);
  if (row.state === 'superseded' && row.successorId !== null) return { next: row.successorId };
  return FINAL_STATES.has(row.state) ? outcomeOf(row, null) : null;
}

async function readOutcome(reader: TenantReader, callId: string): Promise<Outcome> {
  const row = await mustFind(reader, callId);
  const approval = row.approvalId === null ? null : await findApproval(reader, row.approvalId);
  return outcomeOf(row, approval?.expiresAt ?? null);
}

/**
 * The call with this id. Throws an Error (not a Fault) if it does not exist, since only ids of saved calls
 * get here.
 */
export async function mustFind(reader: TenantReader, callId: string): Promise<Call> {
  const row = await findCall(reader, callId);
  if (row === null) throw new Error(`call ${callId} is not there`);
  return row;
}
