import { actorName } from '#domain/actor.ts';
import type { CallError, CallState } from '#domain/call/call.ts';
import { findCall, updateCall, type Call } from '#domain/call/store.ts';
import type { TenantWriter } from '#domain/context.ts';
import type { Denial } from '#domain/denial.ts';
import type { LedgerEvent } from '#domain/ledger/entry.ts';
import type { Fault } from '#lib/fault.ts';
import type { App } from './app.ts';
import { transact } from './transact.ts';

/**
 * Ends a call in its own transaction. Does nothing if the call has ended or another process has begun a new
 * attempt.
 */
export async function finish(app: App, call: Call, state: CallState, how: Ended): Promise<void> {
  await transact(app, call.tenantId, async (ctx) => {
    const row = await lockCall(ctx, call.id);
    // Fence: another process has begun a new attempt.
    if (row === null || row.attempt !== call.attempt) return;
    await settle(ctx, row, state, how);
  });
}

/** What a call ends with. */
export interface Ended {
  readonly result?: Record<string, unknown>;
  readonly error?: CallError;
  readonly successorId?: string;
}

const EVENTS: Partial<Record<CallState, LedgerEvent>> = {
  succeeded: 'CALL_SUCCEEDED',
  failed: 'CALL_FAILED',
  unknown: 'CALL_UNKNOWN',
  denied: 'CALL_DENIED',
  superseded: 'CALL_SUPERSEDED',
};

/**
 * Ends a locked call: sets its state, writes the ledger entry and emits `call.settled`. Does not check its
 * current state.
 */
export async function settle(ctx: TenantWriter, row: Call, state: CallState, how: Ended): Promise<void> {
  await updateCall(ctx, row.id, { state, ...how, settledAt: ctx.now });
  ctx.record({
    event: EVENTS[state] ?? 'CALL_FAILED',
    actor: actorName(row.actor),
    data: {
      call_id: row.id,
      tool: row.tool,
      targets: row.targets,
      approval_id: row.approvalId,
      ...(row.agentId === null
        ? {}
        : { agent: row.agentId, principal: row.principalId, mandate_id: row.mandateId }),
      ...(how.error === undefined ? {} : { code: how.error.code, provider: how.error.detail?.provider }),
    },
  });
  ctx.emit({ name: 'call.settled', thing: row.id });
}

/** Whether a call may still be run. */
export const open = (call: Call): boolean => call.state === 'ready' || call.state === 'running';

/** Locks a call that may still be run. Null if it has ended or does not exist. */
export async function lockCall(ctx: TenantWriter, callId: string): Promise<Call | null> {
  const row = await findCall(ctx, callId, 'update');
  return row !== null && open(row) ? row : null;
}

/** A denial as the error of a call. */
export const deniedError = (why: Denial): CallError => ({
  code: why.code,
  message: why.message,
  ...(why.missing === undefined ? {} : { detail: why.missing }),
});

/**
 * A denial as the error of a call that may have been tried. If a try may have taken effect, the code is
 * `unknown`, since "denied" would say that nothing was done.
 */
export const refusedError = (call: Pick<Call, 'unanswered'>, why: Denial): CallError => {
  const denied = deniedError(why);
  if (!call.unanswered) return denied;
  return {
    code: 'unknown',
    message: `It was not tried again: ${denied.message} An earlier try may have taken effect: check at the provider.`,
    detail: { ...denied.detail, refused: denied.code },
  };
};

/** A fault as the error of a call. */
export const errorOf = (fault: Fault): CallError => ({
  code: fault.code,
  message: fault.message,
  ...(Object.keys(fault.detail).length === 0 ? {} : { detail: fault.detail }),
});
