import { sql, type SQL } from 'drizzle-orm';
import type { TenantWriter } from '../context.ts';
import { PARENT_FROZEN } from './causes.ts';
import { lockMandates, openMandatesOf, openMandateTree, type Mandate } from './store.ts';

/** The cause that people see for mandate `m`: its own before its parent's, the newest first; null if none. */
export const SHOWN_CAUSE: SQL = sql`(
  select f.cause from mandate_freezes f where f.tenant_id = m.tenant_id and f.mandate_id = m.id
   order by f.cause = ${PARENT_FROZEN}, f.since desc, f.cause limit 1)`;

/**
 * What the ledger entry of a freeze says besides actor, mandate and cause: the same for all, or by mandate.
 */
export type FreezeData =
  | Readonly<Record<string, unknown>>
  | ((mandate: Mandate) => Readonly<Record<string, unknown>>);

/**
 * Freezes mandates; no other function does. Each named mandate gets the cause, and every open mandate below a
 * frozen one gets `parent_frozen`. A mandate with a new cause gets a new epoch (so its tokens die with the
 * commit), one `MANDATE_FROZEN` entry and one event. A cause that is already set changes nothing. Locks the
 * mandates and everything below them in the order of their ids. Returns all of them that have not ended. Does
 * not withdraw calls.
 *
 * With `below` = `later`, the caller freezes the mandates below in its next step. They are refused already,
 * because they depend on a frozen mandate.
 */
export async function freezeMandates(
  ctx: TenantWriter,
  ids: readonly string[],
  cause: string,
  actor: string,
  data: FreezeData = {},
  below: 'with it' | 'later' = 'with it',
): Promise<Mandate[]> {
  if (ids.length === 0) return [];
  const tree = below === 'later' ? await lockMandates(ctx, ids) : await openMandateTree(ctx, ...ids);
  const [asked, inTree] = [new Set(ids), new Set(tree.map((mandate) => mandate.id))];
  const added = await addCauses(ctx, [
    ...tree.flatMap(({ id }) => (asked.has(id) ? [{ id, cause }] : [])),
    ...tree.flatMap(({ id, parentId }) =>
      parentId !== null && inTree.has(parentId) ? [{ id, cause: PARENT_FROZEN }] : [],
    ),
  ]);
  for (const mandate of tree) {
    const causes = added.get(mandate.id);
    if (causes === undefined) continue;
    ctx.record({
      event: 'MANDATE_FROZEN',
      actor,
      data: {
        mandate_id: mandate.id,
        principal: mandate.principalId,
        agent: mandate.agentId,
        cause: causes.includes(cause) ? cause : PARENT_FROZEN,
        ...(typeof data === 'function' ? data(mandate) : data),
      },
    });
    ctx.emit({ name: 'mandate.frozen', thing: mandate.id });
  }
  return tree;
}

/**
 * Freezes every open mandate of a principal, with everything below, for a cause. A mandate that is frozen
 * already gets the cause in addition.
 */
export async function freezeMandatesOf(
  ctx: TenantWriter,
  principalId: string,
  cause: string,
  actor: string,
): Promise<Mandate[]> {
  const own = await openMandatesOf(ctx, principalId);
  return freezeMandates(
    ctx,
    own.map((mandate) => mandate.id),
    cause,
    actor,
  );
}

/** Adds causes to open mandates and freezes those that get a new one. Returns the new causes by mandate. */
async function addCauses(
  ctx: TenantWriter,
  wanted: readonly { readonly id: string; readonly cause: string }[],
): Promise<Map<string, string[]>> {
  const added = new Map<string, string[]>();
  if (wanted.length === 0) return added;
  const [ids, causes] = [wanted.map((one) => one.id), wanted.map((one) => one.cause)];
  const rows = await ctx.db.execute<{ id: string; cause: string }>(sql`
    insert into mandate_freezes (tenant_id, mandate_id, cause, since)
    select ${ctx.tenantId}, w.id, w.cause, ${ctx.now.toISOString()}::timestamptz
      from unnest(${sql.param(ids)}::text[], ${sql.param(causes)}::text[]) as w(id, cause)
    on conflict do nothing returning mandate_id as id, cause`);
  for (const { id, cause } of rows) added.set(id, [...(added.get(id) ?? []), cause]);
  if (added.size > 0)
    await ctx.db.execute(sql`
      update mandates m set state = 'frozen', reason = ${SHOWN_CAUSE}, epoch = m.epoch + 1
       where m.tenant_id = ${ctx.tenantId} and m.id = any(${sql.param([...added.keys()])}::text[]) and m.state in ('active', 'frozen')`);
  return added;
}
