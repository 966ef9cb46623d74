import { actorName, principalOf } from '#domain/actor.ts';
import type { Repeatable } from '#domain/call/repeats.ts';
import { callUnderWay, insertCall, inTurn, type Call, type NewCall } from '#domain/call/store.ts';
import type { TenantReader, TenantWriter, WriteContext } from '#domain/context.ts';
import type { Denial } from '#domain/denial.ts';
import { newId } from '#lib/id.ts';
import { inputDigestOf } from './approve/ask.ts';
import { callDesk } from './approve/desk.ts';
import { wait } from './approve/wait.ts';
import { ledgerData, questionOf, type Asked } from './asked.ts';
import { mustFind } from './await-outcome.ts';
import { decide, decideNow, targetIds, type Decision } from './decide/decide.ts';
import { deny } from './deny.ts';
import { readContext } from './explain.ts';
import { changedSince, foreseenDigest } from './foresee.ts';
import type { Outcome } from './outcome.ts';
import { bindRepeat } from './repeat.ts';
import { adminRolesOf, EXECUTE_CALL, spendMandateUse } from './saved-call.ts';
import { summaryOf } from './summary.ts';
import type { AnyAct, AnyWrite } from './tool.ts';
import { transact } from './transact.ts';
import { lookContext } from './world.ts';

/**
 * Uses a tool that changes our own data: decides, writes and records in one transaction, or saves the call to
 * wait for the approval that policy requires. Returns the saved call, or the outcome of a denial. Throws
 * Fault `conflict` if the requester was shown another change, and what the tool throws.
 */
export async function write(
  asked: Asked,
  tool: AnyWrite,
  repeatable: Repeatable | null,
): Promise<Call | Outcome> {
  const { app, request, input } = asked;
  const result = await transact(app, request.tenantId, async (ctx) => {
    await tool.pin?.(ctx, input, request.actor);
    const reading = readContext(app, ctx, request.actor);
    const extra = await tool.context?.(reading, input);
    const decision = await decide(
      ctx,
      app.policies,
      { ...questionOf(asked), ...(extra && { extra }) },
      'share',
    );
    if (!decision.allowed) return decision.denial;
    const impact = await tool.preview(reading, input);
    if (request.seen !== undefined && request.seen !== foreseenDigest(app, asked.entry, input, impact))
      throw changedSince();
    const row = await newCall(ctx, asked, decision);
    if (decision.saved.requirements.length > 0)
      return waitOnce(
        ctx,
        repeatable,
        await runAlongside(ctx, asked, await wait(ctx, asked, row, decision, impact)),
      );
    await bindRepeat(ctx, repeatable, row.id);
    const writer: WriteContext = {
      ...ctx,
      actor: request.actor,
      callId: row.id,
      calls: callDesk(app, ctx),
      policy: reading.policy,
      seal: (plain, about) => app.secrets.seal(plain, about),
    };
    const output = await tool.run(writer, input);
    await spendUse(ctx, asked);
    await insertCall(ctx, { ...row, state: 'succeeded', result: output, settledAt: ctx.now });
    ctx.record({ event: 'CALL_SUCCEEDED', actor: actorName(request.actor), data: ledgerData(asked, row.id) });
    return runAlongside(ctx, asked, await mustFind(ctx, row.id));
  });
  return 'code' in result ? deny(asked, result) : result;
}

/**
 * Uses a tool that changes something at the provider: looks at the target, decides, and saves the call with
 * the job that acts, or to wait for the approval that policy requires. Returns the saved call (that of the
 * same act if it is under way), or the outcome of a denial. Throws what the tool throws.
 */
export async function act(
  asked: Asked,
  tool: AnyAct,
  repeatable: Repeatable | null,
): Promise<Call | Outcome> {
  const { app, request, input, targets } = asked;
  // Decide before asking the provider: an actor without authority learns nothing of the target and uses up no
  // rate limit.
  const early = await decideNow(app, request.tenantId, questionOf(asked));
  if (!early.allowed) return deny(asked, early.denial);
  const looking = await lookContext(app, request.tenantId, request.actor, request.signal);
  const [before, adminRoles] = await Promise.all([
    tool.observe(looking, input),
    adminRolesOf(looking.directory, targets),
  ]);
  const impact = tool.impact(before, input);
  const result = await transact(app, request.tenantId, async (ctx) => {
    const decision = await decide(ctx, app.policies, questionOf(asked, adminRoles), 'share');
    if (!decision.allowed) return decision.denial;
    const row = await newCall(ctx, asked, decision);
    if (decision.saved.requirements.length > 0)
      return waitOnce(
        ctx,
        repeatable,
        await runAlongside(ctx, asked, await wait(ctx, asked, row, decision, impact)),
      );
    await inTurn(ctx, row.inputDigest);
    const same = await callUnderWay(ctx, row.inputDigest);
    await bindRepeat(ctx, repeatable, same?.id ?? row.id);
    if (same !== null) return runAlongside(ctx, asked, same);
    await insertCall(ctx, { ...row, state: 'ready' });
    ctx.enqueue(EXECUTE_CALL, { call: row.id });
    return runAlongside(ctx, asked, await mustFind(ctx, row.id));
  });
  return 'code' in result ? deny(asked, result) : result;
}

/** Binds a waiting call to the caller's idempotency key. */
async function waitOnce(
  ctx: TenantWriter,
  repeatable: Repeatable | null,
  waiting: Call | Denial,
): Promise<Call | Denial> {
  if ('id' in waiting) await bindRepeat(ctx, repeatable, waiting.id);
  return waiting;
}

/** Runs what the interface commits with the call. A denial saves no call, so it does not run then. */
async function runAlongside(
  ctx: TenantWriter,
  { request }: Asked,
  saved: Call | Denial,
): Promise<Call | Denial> {
  if (!('code' in saved)) await request.alongside?.(ctx, saved.id);
  return saved;
}

async function newCall(
  reader: TenantReader,
  { app, request, entry, input, targets }: Asked,
  decision: Decision & { allowed: true },
): Promise<NewCall & { id: string; inputDigest: string; targets: string[] }> {
  const { actor, tenantId } = request;
  return {
    tenantId,
    id: newId('call'),
    tool: entry.tool.name,
    summary: await summaryOf(reader, entry.tool, targets),
    actor,
    principalId: principalOf(actor),
    agentId: actor.kind === 'agent' ? actor.agentId : null,
    mandateId: actor.kind === 'agent' ? actor.mandateId : null,
    targets: targetIds(targets),
    input,
    inputDigest: inputDigestOf(app, { tenantId, tool: entry.tool.name, actor, input }),
    reason: request.reason ?? null,
    state: 'ready',
    decision: decision.saved,
    createdAt: app.now(),
    updatedAt: app.now(),
  };
}

async function spendUse(ctx: TenantWriter, asked: Asked): Promise<void> {
  await spendMandateUse(ctx, asked.request.actor, asked.entry.tool.scope);
}
