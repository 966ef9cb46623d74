import { reach } from '#db/reach.ts';
import { actorName } from '#domain/actor.ts';
import { findApproval, settleApproval } from '#domain/approval/store.ts';
import { findCall, insertCall, updateCall, type Call } from '#domain/call/store.ts';
import type { TenantWriter } from '#domain/context.ts';
import type { Impact } from '#domain/impact.ts';
import type { Fault } from '#lib/fault.ts';
import { asFault } from '#lib/fault.ts';
import { newId } from '#lib/id.ts';
import type { App } from './app.ts';
import { approvalDigest, ask, deadlock } from './approve/ask.ts';
import { callDesk } from './approve/desk.ts';
import { adminRolesOf, EXECUTE_CALL, savedQuestion, spendMandateUse } from './saved-call.ts';
import type { CatalogueEntry } from './catalogue.ts';
import { decide } from './decide/decide.ts';
import { readContext } from './explain.ts';
import type { AdminRoles } from './decide/entities.ts';
import type { AnyAct, AnyWrite } from './tool.ts';
import { deniedError, errorOf, finish, locked, open, settle } from './settle-call.ts';
import { transact, readonly } from './transact.ts';
import { actContext, lookContext } from './world.ts';

/** How often an act is tried before the provider's refusal is final. */
const MAX_ATTEMPTS = 5;
/** When a job that was delivered while another process runs the same call looks again. */
const BUSY_SECONDS = 5;

/**
 * Runs one approved call, or one act (design/architecture.md, "The world comes after the commit"). May run any number of times
 * for the same call, after a crash at any point: rows fence the attempt, and for an act the provider is read again before anything
 * is repeated. An act is run by one process at a time, however often its job is delivered (law 7). Decides again inside the committing transaction (law 2), and asks again where what was approved has drifted (law 6).
 * A fault that time may heal is re-sent with a delay; everything else settles the call.
 */
export async function execute(
  app: App,
  tenantId: string,
  callId: string,
  signal: AbortSignal,
): Promise<void> {
  const call = await readonly(app, tenantId, (reader) => findCall(reader, callId));
  if (call === null || !open(call)) return;
  const { entry } = savedQuestion(app, call, new Map());
  const { tool } = entry;
  if (tool.effects === 'act') {
    const mine = await reach(
      app.database.exclusively(`execute ${callId}`, async (held) => {
        await executeAct(app, call, entry, tool, AbortSignal.any([signal, held]));
        return true;
      }),
    );
    // Somebody is at it. Whether they finish is looked at later: a look now would not tell a try that is under way from one that was lost.
    if (mine === null)
      await app.queue.send(EXECUTE_CALL, { tenant: tenantId, call: callId }, { startAfter: later(app) });
    return;
  }
  if (entry.tool.effects === 'write') return executeWrite(app, call, entry, entry.tool);
  throw new Error(`${call.tool} only looks: there is nothing to execute`);
}

const later = (app: App): Date => new Date(app.now().getTime() + BUSY_SECONDS * 1000);

async function executeWrite(app: App, call: Call, entry: CatalogueEntry, tool: AnyWrite): Promise<void> {
  try {
    await transact(app, call.tenantId, async (ctx) => {
      const row = await locked(ctx, call.id);
      if (row === null) return;
      await tool.pin?.(ctx, row.input, row.actor);
      const impact = await tool.preview(readContext(app, ctx, row.actor), row.input);
      if (!(await cleared(app, ctx, row, entry, new Map(), impact))) return;
      const output = await tool.run(
        { ...ctx, actor: row.actor, callId: row.id, calls: callDesk(app, ctx) },
        row.input,
      );
      await spendMandateUse(ctx, row.actor, tool.scope);
      await settle(ctx, row, 'succeeded', { result: output });
    });
  } catch (error) {
    const fault = asFault(error);
    if (fault.code === 'unavailable' || fault.code === 'internal') throw error;
    await transact(app, call.tenantId, async (ctx) => {
      const row = await locked(ctx, call.id);
      if (row !== null)
        await settle(ctx, row, fault.code === 'forbidden' ? 'denied' : 'failed', { error: errorOf(fault) });
    });
  }
}

async function executeAct(
  app: App,
  call: Call,
  entry: CatalogueEntry,
  tool: AnyAct,
  signal: AbortSignal,
): Promise<void> {
  const { input } = call;
  const looking = await lookContext(app, call.tenantId, call.actor, signal);
  let mine: Call | null = null;
  try {
    const seen = await tool.observe(looking, input);
    const adminRoles = await adminRolesOf(looking.directory, tool.targets(input));
    mine = await intend(app, call, entry, tool, seen, adminRoles);
    if (mine === null) return;
    const before = mine.before ?? seen;
    await tool.run(await actContext(app, call.tenantId, signal), input, before);
    const now = await tool.observe(looking, input);
    await finish(app, mine, 'succeeded', { result: tool.result(before, now, input) });
  } catch (error) {
    await stumble(app, mine ?? call, tool, mine !== null, asFault(error));
  }
}

/** The intent, committed before the world is touched. Null where there is nothing (more) to do. */
async function intend(
  app: App,
  call: Call,
  entry: CatalogueEntry,
  tool: AnyAct,
  seen: Record<string, unknown>,
  adminRoles: AdminRoles,
): Promise<Call | null> {
  return transact(app, call.tenantId, async (ctx) => {
    const row = await locked(ctx, call.id);
    if (row === null) return null;
    const before = row.before ?? seen;
    const landed = row.state === 'running' ? tool.landed(before, seen, row.input) : 'again';
    if (landed === 'yes') {
      await settle(ctx, row, 'succeeded', { result: tool.result(before, seen, row.input) });
      return null;
    }
    if (landed === 'unknown') {
      const error = {
        code: 'unknown',
        message:
          'The provider did not answer and a fresh look does not tell whether it took effect. Check there before asking again.',
      };
      await settle(ctx, row, 'unknown', { error });
      return null;
    }
    if (!(await cleared(app, ctx, row, entry, adminRoles, tool.impact(before, row.input)))) return null;
    if (row.state === 'ready') {
      await spendMandateUse(ctx, row.actor, tool.scope);
      await tool.hold?.(ctx, row.input, actorName(row.actor));
    }
    const change = { state: 'running' as const, attempt: row.attempt + 1, before };
    await updateCall(ctx, row.id, change);
    return { ...row, ...change };
  });
}

/** Asked again at the moment of execution: allowed as before, and exactly what was approved. Settles the call where not. */
async function cleared(
  app: App,
  ctx: TenantWriter,
  row: Call,
  entry: CatalogueEntry,
  adminRoles: AdminRoles,
  impact: Impact,
): Promise<boolean> {
  const { tool } = entry;
  const extra =
    tool.effects === 'write' ? await tool.context?.(readContext(app, ctx, row.actor), row.input) : undefined;
  const saved = savedQuestion(app, row, adminRoles);
  const decision = await decide(ctx, app.policies, { ...saved, ...(extra && { extra }) }, 'share');
  if (!decision.allowed) {
    await settle(ctx, row, 'denied', { error: deniedError(decision.denial) });
    return false;
  }
  const approval = row.approvalId === null ? null : await findApproval(ctx, row.approvalId);
  const { requirements, policyDigest } = decision.saved;
  if (approval === null && requirements.length === 0) return true;
  // What a first try has begun is not asked again because that try changed what a fresh look shows.
  if (row.state === 'running') return true;
  const digest = approvalDigest(app, entry, row.input, impact, policyDigest);
  const kept =
    (approval?.state === 'approved' || approval?.state === 'waived') &&
    approval.digest === digest &&
    requirements.every((one) => approval.requirements.some((old) => old.policy === one.policy));
  if (kept) return true;
  await askAgain(app, ctx, row, { requirements, digest, impact, saved: decision.saved });
  return false;
}

type NewQuestion = {
  requirements: NonNullable<Call['decision']>['requirements'];
  digest: string;
  impact: Impact;
  saved: NonNullable<Call['decision']>;
};

/** What was approved has drifted: this call is superseded by one that asks for what is true now (law 6). */
async function askAgain(app: App, ctx: TenantWriter, row: Call, fresh: NewQuestion): Promise<void> {
  const blocked = await deadlock(app, ctx, fresh.requirements, row);
  if (blocked !== null) return settle(ctx, row, 'denied', { error: deniedError(blocked) });
  const [id, approvalId] = [newId('call'), newId('apr')];
  const error = {
    code: 'superseded',
    message: 'What was approved has changed meanwhile, so it is asked again.',
  };
  await settle(ctx, row, 'superseded', { error, successorId: id });
  const approval = row.approvalId === null ? null : await findApproval(ctx, row.approvalId, 'update');
  if (approval?.state === 'pending') await settleApproval(ctx, approval, 'superseded', error.message);
  const needsAsking = fresh.requirements.length > 0;
  const next = {
    ...row,
    id,
    state: needsAsking ? ('waiting' as const) : ('ready' as const),
    approvalId: needsAsking ? approvalId : null,
    decision: fresh.saved,
    before: null,
    attempt: 0,
    result: null,
    error: null,
    settledAt: null,
    createdAt: ctx.now,
    updatedAt: ctx.now,
  };
  await insertCall(ctx, next);
  if (!needsAsking) return ctx.enqueue(EXECUTE_CALL, { call: id });
  await ask(ctx, {
    id: approvalId,
    callId: id,
    digest: fresh.digest,
    requirements: fresh.requirements,
    impact: fresh.impact,
  });
  ctx.record({
    event: 'CALL_WAITING',
    actor: actorName(row.actor),
    data: { call_id: id, tool: row.tool, targets: row.targets, approval_id: approvalId, supersedes: row.id },
  });
  ctx.emit({ name: 'call.waiting', thing: id });
}

/** The provider refused or did not answer. Whoever waits gets the provider's own code and summary. */
async function stumble(app: App, call: Call, tool: AnyAct, begun: boolean, fault: Fault): Promise<void> {
  const transient =
    fault.code === 'rate_limited' || fault.code === 'unavailable' || fault.code === 'internal';
  if (!transient) return finish(app, call, 'failed', { error: errorOf(fault) });
  const attempts = call.attempt + (begun ? 0 : 1);
  // Our own hold stands already; the provider is asked for as long as it takes (law 9).
  if (attempts >= MAX_ATTEMPTS && tool.hold === undefined) return exhausted(app, call, begun, fault);
  app.log.warn(
    { call: call.id, attempt: attempts, code: fault.code, cause: fault.cause },
    'an act is tried again',
  );
  const startAfter = new Date(app.now().getTime() + retryDelayMs(fault, attempts));
  await transact(app, call.tenantId, async (ctx) => {
    const row = await locked(ctx, call.id);
    if (row === null || row.attempt !== call.attempt) return;
    // A look that failed counts as a try, or a provider that is down for good would be asked for ever.
    if (!begun) await updateCall(ctx, row.id, { attempt: row.attempt + 1 });
    ctx.enqueue(EXECUTE_CALL, { call: row.id }, startAfter);
  });
}

/** The last try. An answer that is still missing makes the call `unknown`, never `failed`: it may have taken effect. */
async function exhausted(app: App, call: Call, begun: boolean, fault: Fault): Promise<void> {
  const unanswered = begun && fault.code !== 'rate_limited';
  const error = errorOf(fault);
  await finish(app, call, unanswered ? 'unknown' : 'failed', {
    error: unanswered
      ? { ...error, message: `${error.message} It may or may not have taken effect: check at the provider.` }
      : error,
  });
}

/** The provider says when its limit resets, and is not asked before; otherwise 1, 2, 4, … seconds, at most a minute. */
function retryDelayMs(fault: Fault, attempts: number): number {
  const told = fault.detail['retry_after_seconds'];
  return typeof told === 'number' ? Math.max(told, 1) * 1000 : Math.min(500 * 2 ** attempts, 60_000);
}
