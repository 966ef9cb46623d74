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

/** The only tool whose calls can be made, and wait, while the organisation is frozen. */
const LIFTING = 'freeze_lift';

/**
 * Freezes a target by the kill switch in the caller's transaction, with a number of statements that does
 * not depend on the size of the target. The target's own row stops everything that depends on it, and its
 * epoch ends every token. The rows of mandates and waiting calls follow in the same transaction if they are
 * few, and otherwise in parts by a job; until then, every decision reads the target and refuses. Waiting
 * calls that would lift the freeze are always withdrawn here. Returns what was frozen, and the time from
 * the first lock to the last row in milliseconds; the commit comes after that. Fault `not_found`.
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

/** Enough for one call per IT admin. */
const LIFTINGS = 1000;
/** How many thawed mandates the answer and the ledger name. */
const NAMED = 20;

/**
 * Does the remaining work here if it is small, and otherwise leaves it to a job. Returns the ids of
 * the mandates that it changed.
 */
async function follow(
  ctx: WriteContext,
  plan: FreezePlan,
  how: Pick<Following, 'doing' | 'actor' | 'reason'>,
): Promise<{ mandates: string[]; later: boolean }> {
  const until = await lastCallId(ctx);
  const first: Following = { ...how, target: plan.target.id, until, step: 'mandates', after: '' };
  // The organisation's own status stops its mandates, so none of their rows changes.
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
 * Lifts a freeze by the kill switch and nothing else. Other causes on the target or on mandates
 * stay, and tokens from before the freeze stay dead. If there are many mandates, they follow in
 * parts by a job (`later`). Fault `not_found`, and `conflict` if the target is not frozen. Does not
 * check for a second person: policy requires one for the organisation.
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

/** Refuses to lift a freeze that does not exist, before anyone is asked to approve it. Fault `conflict`. */
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
    // The person who froze it first stays the one who cannot approve lifting it.
    frozenBy: tenant.frozenBy ?? principalOf(ctx.actor),
    frozenReason: tenant.frozenReason ?? reason,
  });
  ctx.emit({ name: 'tenant.frozen', thing: ctx.tenantId });
}

/**
 * Releases the target. Returns the mandates that work again at once, or null if the kill switch had
 * not frozen it.
 */
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
