import { eq, sql } from 'drizzle-orm';
import { actorName, principalOf } from '../actor.ts';
import { causesOf, changeCauses } from '../agent/causes.ts';
import { lastCallId, waitingCallsWhere } from '../call/store.ts';
import { calls } from '../call/tables.ts';
import { withdrawCalls } from '../call/withdraw.ts';
import type { WriteContext } from '../context.ts';
import { adminCause } from '../mandate/causes.ts';
import { freezeMandates } from '../mandate/freeze.ts';
import { openMandateTree } from '../mandate/store.ts';
import { liftCause } from '../mandate/thaw.ts';
import { tightenPerson } from '../person/store.ts';
import { theTenant } from '../tenant/store.ts';
import { tenants } from '../tenant/tables.ts';
import { Fault } from '#lib/fault.ts';
import { FOLLOW_FREEZE, FOLLOW_PIECE, followFreeze, type Followed, type Following } from './follow.ts';
import { freezeReport, planFreeze, type FreezePlan } from './plan.ts';
import type { FreezeTarget } from './target.ts';

/** The only thing that can be asked while the organisation is frozen, and waits. */
const LIFTING = 'freeze_lift';

/**
 * The kill switch, in the caller's transaction, by a number of statements that does not depend on what is hit: the target's own row
 * stops everything that stands on it, and its epoch kills every token. The rows of mandates, and the calls that wait, follow in the
 * same transaction where they are few, and otherwise in pieces by a job; meanwhile no decision passes that looks at the target. What
 * would lift the freeze is withdrawn here in any case. Answers with what was hit and how long it took in milliseconds, from the first
 * lock to the last row; the commit comes after that.
 */
export async function freeze(ctx: WriteContext, target: FreezeTarget, reason: string) {
  const started = performance.now();
  const plan = await planFreeze(ctx, target, { lock: 'update' });
  const actor = actorName(ctx.actor);
  await holdTarget(ctx, plan, reason);
  if (target.kind === 'mandate')
    await freezeMandates(ctx, [target.id], adminCause(target.id), actor, {}, 'later');
  const why = `frozen by the kill switch (${reason})`;
  await follow(ctx, plan, { doing: 'freeze', actor, reason: why });
  const on = target.kind === 'organisation' ? sql`true` : sql`${target.id} = any(${calls.targets})`;
  const lifting = await waitingCallsWhere(ctx, sql`${calls.tool} = ${LIFTING} and ${on}`, LIFTINGS);
  await withdrawCalls(ctx, lifting, { actor, reason: why });
  const report = freezeReport(plan);
  const { named: _, ...counts } = report;
  ctx.record({
    event: target.kind === 'organisation' ? 'TENANT_FROZEN' : 'FREEZE_APPLIED',
    actor,
    data: { ...counts, reason },
  });
  return { ...report, elapsed_ms: Math.round((performance.now() - started) * 10) / 10 };
}

/** One for each IT admin who asks. */
const LIFTINGS = 1000;
/** How many thawed mandates are named in the answer and in the ledger. */
const NAMED = 20;

/** Does what follows here where it is little, and leaves it to a job where it is not. Returns the ids of the mandates that this changed. */
async function follow(
  ctx: WriteContext,
  plan: FreezePlan,
  how: Pick<Following, 'doing' | 'actor' | 'reason'>,
): Promise<{ mandates: string[]; later: boolean }> {
  const until = await lastCallId(ctx);
  const first: Following = { ...how, target: plan.target.id, until, step: 'mandates', after: '' };
  // The organisation's own status stops its mandates: none of them changes.
  const rows = plan.target.kind === 'organisation' ? 0 : plan.mandates.length;
  const size = Math.max(rows, plan.waiting.length);
  if (size > FOLLOW_PIECE) {
    ctx.enqueue(FOLLOW_FREEZE, first);
    return { mandates: [], later: true };
  }
  const mandates: string[] = [];
  for (let next: Following | null = first; next !== null;) {
    const done: Followed = await followFreeze(ctx, next);
    mandates.push(...done.mandates);
    next = done.next;
  }
  return { mandates, later: false };
}

/**
 * Lifts a freeze of the kill switch and nothing else: whatever else holds the target or a mandate goes on holding it, and tokens
 * from before stay dead. Where there are many mandates, they follow in pieces by a job (`later`). Fault `conflict` where nothing is
 * frozen. For the organisation, two humans are policy's matter.
 */
export async function liftFreeze(ctx: WriteContext, target: FreezeTarget) {
  const plan = await planFreeze(ctx, target, { lock: 'update' });
  const actor = actorName(ctx.actor);
  const released = await releaseTarget(ctx, plan, actor);
  if (released === null && target.kind !== 'mandate') throw notFrozen(plan);
  const followed =
    target.kind === 'organisation' || target.kind === 'mandate'
      ? { mandates: [], later: false }
      : await follow(ctx, plan, { doing: 'lift', actor, reason: '' });
  const ids = [...(released ?? []), ...followed.mandates].sort();
  const thawed = { thawed: ids.slice(0, NAMED), thawed_count: ids.length, later: followed.later };
  ctx.record({
    event: target.kind === 'organisation' ? 'TENANT_THAWED' : 'FREEZE_LIFTED',
    actor,
    data: { target: target.id, kind: target.kind, ...thawed },
  });
  const left = plan.agent === null ? [] : causesOf(plan.agent).filter((cause) => cause !== 'admin');
  return { target: target.id, name: plan.name, ...thawed, still_held_by: left };
}

const notFrozen = (plan: FreezePlan): Fault =>
  new Fault('conflict', `${plan.name} is not frozen by the kill switch.`);

/** Refuses a lifting that would do nothing, before anybody is asked to approve it. */
export async function checkFrozen(
  ctx: WriteContext | Parameters<typeof planFreeze>[0],
  plan: FreezePlan,
): Promise<void> {
  const { target, agent, person } = plan;
  const frozen = {
    agent: agent !== null && causesOf(agent).includes('admin'),
    principal: person !== null && person.delegationFrozenBy !== null,
    mandate: plan.mandates.some((mandate) => mandate.state === 'frozen'),
    organisation: target.kind === 'organisation' && (await theTenant(ctx)).status === 'frozen',
  }[target.kind];
  if (!frozen) throw notFrozen(plan);
}

async function holdTarget(ctx: WriteContext, plan: FreezePlan, reason: string): Promise<void> {
  const { target, agent, person } = plan;
  if (agent !== null) {
    await changeCauses(ctx, agent, { add: ['admin'] });
    ctx.emit({ name: 'agent.changed', thing: agent.id });
  }
  if (person !== null)
    await tightenPerson(ctx, person.id, {
      delegationFrozenBy: principalOf(ctx.actor) ?? actorName(ctx.actor),
    });
  if (target.kind !== 'organisation') return;
  const tenant = await theTenant(ctx);
  await setTenant(ctx, {
    status: 'frozen',
    // Whoever froze it first stays the one who does not approve its return.
    frozenBy: tenant.frozenBy ?? principalOf(ctx.actor),
    frozenReason: tenant.frozenReason ?? reason,
  });
  ctx.emit({ name: 'tenant.frozen', thing: ctx.tenantId });
}

/** Returns the mandates that work again with it; null where the kill switch did not hold it. */
async function releaseTarget(
  ctx: WriteContext,
  plan: FreezePlan,
  actor: string,
): Promise<readonly string[] | null> {
  const { target, agent, person } = plan;
  if (agent !== null) {
    if (!causesOf(agent).includes('admin')) return null;
    await changeCauses(ctx, agent, { lift: ['admin'] });
    ctx.emit({ name: 'agent.changed', thing: agent.id });
    return [];
  }
  if (person !== null) {
    if (person.delegationFrozenBy === null) return null;
    await tightenPerson(ctx, person.id, { delegationFrozenBy: null });
    return [];
  }
  if (target.kind === 'mandate') {
    await openMandateTree(ctx, target.id);
    return liftCause(ctx, [target.id], adminCause(target.id), actor);
  }
  if ((await theTenant(ctx)).status !== 'frozen') return null;
  await setTenant(ctx, { status: 'active', frozenBy: null, frozenReason: null });
  ctx.emit({ name: 'tenant.thawed', thing: ctx.tenantId });
  return [];
}

async function setTenant(
  ctx: WriteContext,
  change: Pick<typeof tenants.$inferSelect, 'status' | 'frozenBy' | 'frozenReason'>,
): Promise<void> {
  await ctx.db
    .update(tenants)
    .set({ ...change, epoch: sql`${tenants.epoch} + 1` })
    .where(eq(tenants.id, ctx.tenantId));
}
