import { eq, sql } from 'drizzle-orm';
import { actorName, principalOf } from '../actor.ts';
import { causesOf, changeCauses } from '../agent/causes.ts';
import { withdrawCalls } from '../call/withdraw.ts';
import type { WriteContext } from '../context.ts';
import { adminCause, freezeFor, liftFrom } from '../mandate/causes.ts';
import { tightenPerson } from '../person/store.ts';
import { theTenant } from '../tenant/store.ts';
import { tenants } from '../tenant/tables.ts';
import { Fault } from '#lib/fault.ts';
import { freezeReport, planFreeze, type FreezePlan } from './plan.ts';
import type { FreezeTarget } from './target.ts';

/**
 * The kill switch, in the caller's transaction: everything of the plan stops together or not at all. Doing it twice holds no more
 * than doing it once. Answers with what was hit and how long it took in milliseconds, from the first lock to the last row; the
 * commit comes after that.
 */
export async function freeze(ctx: WriteContext, target: FreezeTarget, reason: string) {
  const started = performance.now();
  const plan = await planFreeze(ctx, target, 'update');
  const actor = actorName(ctx.actor);
  await holdTarget(ctx, plan, reason);
  // A frozen organisation stops its mandates by itself; each would need thawing by itself.
  if (target.kind !== 'organisation') await freezeFor(ctx, plan.mandates, adminCause(target.id), actor);
  await withdrawCalls(ctx, plan.waiting, { actor, reason: `frozen by the kill switch (${reason})` });
  const report = freezeReport(plan);
  const { named: _, ...counts } = report;
  ctx.record({
    event: target.kind === 'organisation' ? 'TENANT_FROZEN' : 'FREEZE_APPLIED',
    actor,
    data: { ...counts, reason },
  });
  return { ...report, elapsed_ms: Math.round((performance.now() - started) * 10) / 10 };
}

/**
 * Lifts a freeze of the kill switch and nothing else: whatever else holds the target or a mandate goes on holding it, and tokens
 * from before stay dead. Fault `conflict` where nothing is frozen. For the organisation, two humans are policy's matter.
 */
export async function liftFreeze(ctx: WriteContext, target: FreezeTarget) {
  const plan = await planFreeze(ctx, target, 'update');
  const actor = actorName(ctx.actor);
  const released = await releaseTarget(ctx, plan);
  const thawed =
    target.kind === 'organisation' ? [] : await liftFrom(ctx, plan.mandates, adminCause(target.id), actor);
  if (!released && target.kind !== 'mandate') throw notFrozen(plan);
  ctx.record({
    event: target.kind === 'organisation' ? 'TENANT_THAWED' : 'FREEZE_LIFTED',
    actor,
    data: { target: target.id, kind: target.kind, thawed },
  });
  const left = plan.agent === null ? [] : causesOf(plan.agent).filter((cause) => cause !== 'admin');
  return { target: target.id, name: plan.name, thawed, still_held_by: left };
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

async function releaseTarget(ctx: WriteContext, plan: FreezePlan): Promise<boolean> {
  const { target, agent, person } = plan;
  if (agent !== null) {
    if (!causesOf(agent).includes('admin')) return false;
    await changeCauses(ctx, agent, { lift: ['admin'] });
    ctx.emit({ name: 'agent.changed', thing: agent.id });
    return true;
  }
  if (person !== null) {
    if (person.delegationFrozenBy === null) return false;
    await tightenPerson(ctx, person.id, { delegationFrozenBy: null });
    return true;
  }
  if (target.kind !== 'organisation') return false;
  if ((await theTenant(ctx)).status !== 'frozen') return false;
  await setTenant(ctx, { status: 'active', frozenBy: null, frozenReason: null });
  ctx.emit({ name: 'tenant.thawed', thing: ctx.tenantId });
  return true;
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
