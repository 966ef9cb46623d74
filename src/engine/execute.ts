import { reach } from '#db/reach.ts';
import { actorName } from '#domain/actor.ts';
import { findApproval } from '#domain/approval/store.ts';
import { findCall, updateCall, type Call } from '#domain/call/store.ts';
import type { TenantWriter } from '#domain/context.ts';
import type { Impact } from '#domain/impact.ts';
import { asFault } from '#lib/fault.ts';
import type { App } from './app.ts';
import { approvalDigest } from './approve/ask.ts';
import { askAgain } from './ask-again.ts';
import { callDesk } from './approve/desk.ts';
import { adminRolesOf, EXECUTE_CALL, savedQuestion, spendMandateUse } from './saved-call.ts';
import type { CatalogueEntry } from './catalogue.ts';
import { decide, peopleOf } from './decide/decide.ts';
import { readContext } from './explain.ts';
import { freshen } from './read-person.ts';
import type { AdminRoles } from './decide/entities.ts';
import type { AnyAct, AnyWrite } from './tool.ts';
import { errorOf, finish, lockCall, open, refusedError, settle } from './settle-call.ts';
import { nothingDone, stumble, type Tried } from './stumble.ts';
import { transact, readonly } from './transact.ts';
import { actContext, lookContext } from './world.ts';

// How soon a job looks again when another process is running its call.
const BUSY_SECONDS = 5;

const UNKNOWN = {
  code: 'unknown',
  message:
    'The provider did not answer, and Prokura cannot tell whether the change took effect. Check at the provider before you try again.',
};

/**
 * Runs one approved call or one act. It is safe to run again for the same call after a crash at any point:
 * rows fence each attempt, and before an act is repeated the provider is read again. Only one process at a
 * time runs an act, however often its job is delivered (law 7).
 *
 * Decides again inside the committing transaction (law 2), and asks again if what was approved has drifted
 * (law 6). A fault that may be temporary is retried after a delay; any other fault settles the call.
 */
export async function execute(
  app: App,
  tenantId: string,
  callId: string,
  signal: AbortSignal,
): Promise<void> {
  const call = await readonly(app, tenantId, (reader) => findCall(reader, callId));
  if (call === null || !open(call)) return;
  const { entry, targets } = savedQuestion(app, call, new Map());
  const { tool } = entry;
  // The call may have waited for days. The new decision must not rely on data older than the tenant allows.
  await freshen(app, tenantId, peopleOf(call.actor, targets));
  if (tool.effects === 'act') {
    const mine = await reach(
      app.database.withLockIfFree(executionLock(callId), async (held) => {
        await executeAct(app, call, entry, tool, AbortSignal.any([signal, held]));
        return true;
      }),
    );
    // Another process runs it. Look later: a look now cannot tell a try in progress from one that was lost.
    if (mine === null)
      await app.queue.send(EXECUTE_CALL, { tenant: tenantId, call: callId }, { startAfter: later(app) });
    return;
  }
  if (entry.tool.effects === 'write') return executeWrite(app, call, entry, entry.tool);
  throw new Error(`${call.tool} only looks: there is nothing to execute`);
}

/** The lock of the one process that runs a call's act. */
const executionLock = (callId: string): string => `execute ${callId}`;

const later = (app: App): Date => new Date(app.now().getTime() + BUSY_SECONDS * 1000);

async function executeWrite(app: App, call: Call, entry: CatalogueEntry, tool: AnyWrite): Promise<void> {
  try {
    await transact(app, call.tenantId, async (ctx) => {
      const row = await lockCall(ctx, call.id);
      if (row === null) return;
      await tool.pin?.(ctx, row.input, row.actor);
      const reading = readContext(app, ctx, row.actor);
      const impact = await tool.preview(reading, row.input);
      if (!(await checkAgain(app, ctx, row, entry, new Map(), () => impact))) return;
      const output = await tool.run(
        {
          ...ctx,
          actor: row.actor,
          callId: row.id,
          calls: callDesk(app, ctx),
          policy: reading.policy,
          seal: (plain, about) => app.secrets.seal(plain, about),
        },
        row.input,
      );
      await spendMandateUse(ctx, row.actor, tool.scope);
      await settle(ctx, row, 'succeeded', { result: output });
    });
  } catch (error) {
    const fault = asFault(error);
    if (fault.code === 'unavailable' || fault.code === 'internal') throw error;
    await transact(app, call.tenantId, async (ctx) => {
      const row = await lockCall(ctx, call.id);
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
  let tried: Tried = { call, begun: false, unanswered: call.unanswered };
  try {
    const seen = await tool.observe(looking, input);
    const adminRoles = await adminRolesOf(looking.directory, tool.targets(input));
    const begun = await intend(app, call, entry, tool, seen, adminRoles);
    if (begun === null) return;
    tried = begun;
    const before = begun.call.before ?? seen;
    const acting = await actContext(app, call.tenantId, signal);
    tried = { ...begun, unanswered: true };
    await tool.run(acting, input, before).catch((error: unknown) => {
      if (nothingDone(asFault(error))) tried = begun;
      throw error;
    });
    const now = await tool.observe(looking, input);
    await finish(app, begun.call, 'succeeded', { result: tool.result(before, now, input) });
  } catch (error) {
    await stumble(app, tried, tool, asFault(error));
  }
}

/**
 * Commits the intent before anything changes at the provider. A process can die between the two, so from then
 * on the call may have taken effect, until the provider says that it did nothing. Returns null if there is
 * nothing left to do.
 */
async function intend(
  app: App,
  call: Call,
  entry: CatalogueEntry,
  tool: AnyAct,
  seen: Record<string, unknown>,
  adminRoles: AdminRoles,
): Promise<Tried | null> {
  return transact(app, call.tenantId, async (ctx) => {
    const row = await lockCall(ctx, call.id);
    if (row === null) return null;
    const started = row.state === 'running';
    const before = row.before ?? seen;
    const landed = started ? tool.landed(before, seen, row.input) : 'again';
    if (landed === 'yes') {
      await settle(ctx, row, 'succeeded', { result: tool.result(before, seen, row.input) });
      return null;
    }
    if (landed === 'unknown') {
      await settle(ctx, row, 'unknown', { error: UNKNOWN });
      return null;
    }
    // Our own hold is already in place. No new decision may leave it without its counterpart at the provider
    // (law 9).
    const settled = started && tool.hold !== undefined;
    if (
      !settled &&
      !(await checkAgain(app, ctx, row, entry, adminRoles, () => tool.impact(before, row.input)))
    )
      return null;
    if (!started) {
      await spendMandateUse(ctx, row.actor, tool.scope);
      await tool.hold?.(ctx, row.input, actorName(row.actor));
    }
    const change = { state: 'running' as const, attempt: row.attempt + 1, before, unanswered: true };
    await updateCall(ctx, row.id, change);
    return { call: { ...row, ...change }, begun: true, unanswered: row.unanswered };
  });
}

/**
 * Decides again at execution: the call must still be allowed, and must do exactly what was approved.
 * Otherwise it settles the call or asks again, and returns false.
 */
async function checkAgain(
  app: App,
  ctx: TenantWriter,
  row: Call,
  entry: CatalogueEntry,
  adminRoles: AdminRoles,
  impactNow: () => Impact,
): Promise<boolean> {
  const { tool } = entry;
  const extra =
    tool.effects === 'write' ? await tool.context?.(readContext(app, ctx, row.actor), row.input) : undefined;
  const started = row.state === 'running';
  const saved = { ...savedQuestion(app, row, adminRoles), useIsSpent: started };
  const decision = await decide(ctx, app.policies, { ...saved, ...(extra && { extra }) }, 'share');
  if (!decision.allowed) {
    await settle(ctx, row, row.unanswered ? 'unknown' : 'denied', {
      error: refusedError(row, decision.denial),
    });
    return false;
  }
  // A first try changes what a fresh look shows, so what it has begun is not asked again.
  if (started) return true;
  const approval = row.approvalId === null ? null : await findApproval(ctx, row.approvalId);
  const { requirements, policyDigest } = decision.saved;
  const impact = impactNow();
  if (approval === null && requirements.length === 0) return true;
  const digest = approvalDigest(app, entry, row.input, impact, policyDigest);
  const kept =
    (approval?.state === 'approved' || approval?.state === 'waived') &&
    approval.digest === digest &&
    requirements.every((requirement) =>
      approval.requirements.some((old) => old.policy === requirement.policy),
    );
  if (kept) return true;
  await askAgain(app, ctx, row, { requirements, digest, impact, saved: decision.saved });
  return false;
}
