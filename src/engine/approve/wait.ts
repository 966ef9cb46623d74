import { actorName } from '#domain/actor.ts';
import { inTurn, insertCall, waitingCall, waitingOf, type Call, type NewCall } from '#domain/call/store.ts';
import type { TenantWriter } from '#domain/context.ts';
import { denial, type Denial } from '#domain/denial.ts';
import type { Impact } from '#domain/impact.ts';
import { DEFAULT_SETTINGS } from '#domain/tenant/settings.ts';
import { theTenant } from '#domain/tenant/store.ts';
import { Fault } from '#lib/fault.ts';
import { newId } from '#lib/id.ts';
import { ledgerData, type Asked } from '../asked.ts';
import { mustFind } from '../await-outcome.ts';
import type { Decision } from '../decide/decide.ts';
import { approvalDigest, ask, findDeadlock } from './ask.ts';

/**
 * Saves the call as waiting, with its approval, or joins an identical call that already waits (law 7).
 * Returns a denial if nobody could approve it, or if the agent has too many open requests. Throws Fault
 * `conflict` if the identical call was decided at this moment.
 */
export async function wait(
  ctx: TenantWriter,
  asked: Asked,
  row: NewCall,
  decision: Decision & { allowed: true },
  impact: Impact,
): Promise<Call | Denial> {
  const { app, entry, input, request } = asked;
  const approvalId = newId('apr');
  const blocked = await findDeadlock(app, ctx, decision.saved.requirements, {
    tool: row.tool,
    actor: row.actor,
    targets: row.targets,
    principalId: row.principalId ?? null,
    agentId: row.agentId ?? null,
  });
  if (blocked !== null) return blocked;
  const full = await tooManyOpen(ctx, row);
  if (full !== null) return full;
  if (!(await insertCall(ctx, { ...row, state: 'waiting', approvalId }))) {
    const same = await waitingCall(ctx, row.inputDigest);
    if (same === null) throw new Fault('conflict', 'An identical call was just decided. Try again.');
    ctx.record({
      event: 'CALL_WAITING',
      actor: actorName(request.actor),
      data: { ...ledgerData(asked, same.id), approval_id: same.approvalId, joined: true },
    });
    return same;
  }
  const digest = approvalDigest(app, entry, input, impact, decision.saved.policyDigest);
  const expiresAt = await ask(ctx, {
    id: approvalId,
    callId: row.id,
    digest,
    requirements: decision.saved.requirements,
    impact,
  });
  ctx.record({
    event: 'CALL_WAITING',
    actor: actorName(request.actor),
    data: {
      ...ledgerData(asked, row.id),
      approval_id: approvalId,
      policies: decision.saved.requirements.map((requirement) => requirement.policy),
      digest,
      expires_at: expiresAt.toISOString(),
    },
  });
  ctx.emit({ name: 'call.waiting', thing: row.id });
  return mustFind(ctx, row.id);
}

/**
 * Why an agent may open no more approvals, or null. Repeating a waiting request exactly does not count as
 * another one.
 */
async function tooManyOpen(ctx: TenantWriter, row: NewCall): Promise<Denial | null> {
  const { agentId, mandateId, inputDigest } = row;
  if (agentId == null || mandateId == null) return null;
  await inTurn(ctx, `approvals of ${agentId}`);
  const { settings } = await theTenant(ctx);
  const most = settings.openApprovals ?? DEFAULT_SETTINGS.openApprovals;
  const open = await waitingOf(ctx, { agentId, mandateId });
  const what = open.agent >= most.agent ? 'agent' : open.mandate >= most.mandate ? 'mandate' : null;
  if (what === null || (await waitingCall(ctx, inputDigest)) !== null) return null;
  return denial(
    'too_many_open',
    `This ${what} already has ${most[what]} requests waiting for approval, which is the limit. Wait for decisions, or withdraw some requests (approval_cancel).`,
    { missing: { limit: { of: what, open_approvals: most[what] } } },
  );
}
