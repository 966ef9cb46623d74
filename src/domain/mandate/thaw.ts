import { and, asc, eq, sql } from 'drizzle-orm';
import { Fault } from '#lib/fault.ts';
import type { TenantWriter } from '../context.ts';
import { PARENT_FROZEN } from './causes.ts';
import { SHOWN_CAUSE } from './freeze.ts';
import { freezeCauses, openMandateTree } from './store.ts';
import { mandates } from './tables.ts';

/**
 * Lifts one cause from a principal's mandates, as `liftCause` does. Returns the ids of those that work again.
 */
export async function thawMandatesOf(
  ctx: TenantWriter,
  principalId: string,
  cause: string,
  actor: string,
): Promise<string[]> {
  const frozen = await ctx.db
    .select({ id: mandates.id })
    .from(mandates)
    .where(
      and(
        eq(mandates.tenantId, ctx.tenantId),
        eq(mandates.principalId, principalId),
        eq(mandates.state, 'frozen'),
      ),
    )
    .orderBy(asc(mandates.id))
    .for('update');
  return liftCause(
    ctx,
    frozen.map((row) => row.id),
    cause,
    actor,
  );
}

/**
 * Lifts one cause from one mandate. Returns the ids of the mandates that work again, and the causes that
 * still freeze this one. Throws Fault `conflict` if the mandate has ended or is not frozen for that cause.
 */
export async function thawMandate(
  ctx: TenantWriter,
  mandateId: string,
  cause: string,
  actor: string,
): Promise<{ thawed: string[]; left: string[] }> {
  await openMandateTree(ctx, mandateId);
  const causes = (await freezeCauses(ctx, [mandateId])).get(mandateId) ?? [];
  if (!causes.includes(cause))
    throw new Fault(
      'conflict',
      causes.length === 0
        ? 'This mandate is not frozen.'
        : `This mandate is frozen because of: ${causes.join(', ')}. You can lift only "${cause}".`,
      { detail: { causes } },
    );
  const thawed = await liftCause(ctx, [mandateId], cause, actor);
  return { thawed, left: causes.filter((one) => one !== cause) };
}

/**
 * Lifts a cause from mandates; no other function does. The caller must have locked their rows. A mandate
 * without any cause left becomes active with a new epoch, so tokens from before the freeze stay dead. It gets
 * one `MANDATE_THAWED` entry and one event, and the mandates directly below lose `parent_frozen`. A mandate
 * with other causes stays frozen and shows one of those. Lifting one cause never lifts another, and a mandate
 * that has ended never comes back. Returns the ids of the mandates that work again.
 */
export async function liftCause(
  ctx: TenantWriter,
  ids: readonly string[],
  cause: string,
  actor: string,
): Promise<string[]> {
  if (ids.length === 0) return [];
  const lifted = await ctx.db.execute<{ id: string }>(sql`
    delete from mandate_freezes
     where tenant_id = ${ctx.tenantId} and mandate_id = any(${sql.param([...ids])}::text[]) and cause = ${cause}
    returning mandate_id as id`);
  if (lifted.length === 0) return [];
  const held = sql.param(lifted.map((row) => row.id));
  const left = await ctx.db.execute<{ id: string; principal: string; state: string }>(sql`
    update mandates as held
       set state = case when m.cause is null then 'active' else 'frozen' end,
           epoch = held.epoch + case when m.cause is null then 1 else 0 end,
           reason = m.cause
      from (select m.id, ${SHOWN_CAUSE} as cause
              from mandates m where m.tenant_id = ${ctx.tenantId} and m.id = any(${held}::text[])) as m
     where held.tenant_id = ${ctx.tenantId} and held.id = m.id and held.state = 'frozen'
    returning held.id, held.principal_id as principal, held.state`);
  const thawed = left.filter((row) => row.state === 'active').sort((a, b) => (a.id < b.id ? -1 : 1));
  for (const { id, principal } of thawed) {
    ctx.record({ event: 'MANDATE_THAWED', actor, data: { mandate_id: id, principal, lifted: cause } });
    ctx.emit({ name: 'mandate.thawed', thing: id });
  }
  const working = thawed.map((row) => row.id);
  return [...working, ...(await liftCause(ctx, await frozenBelow(ctx, working), PARENT_FROZEN, actor))];
}

/** Ids of the frozen direct children of these mandates, locked for update. */
async function frozenBelow(ctx: TenantWriter, ids: readonly string[]): Promise<string[]> {
  if (ids.length === 0) return [];
  const rows = await ctx.db
    .select({ id: mandates.id })
    .from(mandates)
    .where(
      and(
        eq(mandates.tenantId, ctx.tenantId),
        sql`${mandates.parentId} = any(${sql.param([...ids])}::text[])`,
        eq(mandates.state, 'frozen'),
      ),
    )
    .orderBy(asc(mandates.id))
    .for('update');
  return rows.map((row) => row.id);
}
