import { sql, type SQL } from 'drizzle-orm';
import type { TenantReader, TenantWriter } from '../context.ts';
import { APPROVERS_CHANGED } from '../events.ts';

/** A person whose manager differs from the row. `manager` is null if they have none. */
export type ManagerChange = {
  readonly person: string;
  /** The reference that was resolved. If the row has another one by now, it is left alone. */
  readonly ref: string | null;
  readonly manager: string | null;
};

/** What the manager references of a provider's people mean now, and which of them are ambiguous. */
export interface ManagersFound {
  readonly changes: readonly ManagerChange[];
  /** Ids of people who get no manager because the reference matches several people. */
  readonly ambiguous: readonly string[];
}

/**
 * SQL that resolves manager references to rows (ref, manager, fits). An exact id has priority over a login, a
 * login over an email, an email over an employee number. The first kind that matches anyone decides. If it
 * matches several people, nobody is the manager, because managers approve. Former accounts (deprovisioned, or
 * missing at the provider) are never managers. Of many references each kind is one hash join, so the cost is
 * linear; of one it is a look-up in an index.
 */
const meaning = (tenantId: string, vendor: string, refs: SQL, how: 'one' | 'many'): SQL => sql`
  living as ${sql.raw(how === 'many' ? 'materialized' : 'not materialized')} (
    select id, uid, scim_id, login_folded as login, email_folded as email, employee_number as number
      from people
     where tenant_id = ${tenantId} and provider = ${vendor} and status <> 'DEPROVISIONED' and missing_at is null),
  refs as materialized (select ref, folded(ref) as folded from (${refs}) as given),
  fits as (
    select r.ref, p.id, 1 as kind from refs r join living p on p.uid = r.ref
    union all select r.ref, p.id, 1 from refs r join living p on p.scim_id = r.ref
    union all select r.ref, p.id, 2 from refs r join living p on p.login = r.folded
    union all select r.ref, p.id, 3 from refs r join living p on p.email = r.folded
    union all select r.ref, p.id, 4 from refs r join living p on p.number = r.ref),
  best as (select ref, id, kind, min(kind) over (partition by ref) as first from fits),
  meant as (
    select ref, min(id) as manager, count(distinct id) as fits from best where kind = first group by ref)`;

/**
 * Resolves every manager reference of a provider's people and finds the rows that differ. Run it in a
 * transaction of its own, because it changes how the transaction's queries are planned.
 */
export async function findManagers(reader: TenantReader, vendor: string): Promise<ManagersFound> {
  // Right after an import the planner's statistics are those of an empty table: it would choose a nested loop
  // that compares everyone with everyone.
  await reader.db.execute(sql`select set_config('enable_nestloop', 'off', true)`);
  const refs = sql`
    select distinct manager_ref as ref from people
     where tenant_id = ${reader.tenantId} and provider = ${vendor} and manager_ref is not null`;
  const rows = await reader.db.execute<ManagerChange & { ambiguous: boolean }>(sql`
    with ${meaning(reader.tenantId, vendor, refs, 'many')},
    wanted as (
      select p.id, p.manager_ref, p.manager_id, coalesce(m.fits, 0) > 1 as ambiguous,
             case when m.fits = 1 and m.manager <> p.id then m.manager end as manager
        from people p left join meant m on m.ref = p.manager_ref
       where p.tenant_id = ${reader.tenantId} and p.provider = ${vendor})
    select id as person, manager_ref as ref, manager, ambiguous from wanted
     where manager_id is distinct from manager or ambiguous
     order by id`);
  return {
    changes: rows.map(({ person, ref, manager }) => ({ person, ref, manager })),
    ambiguous: rows.filter((row) => row.ambiguous).map(({ person }) => person),
  };
}

/** Saves the changes for people who still have the reference that was resolved. */
export async function saveManagers(ctx: TenantWriter, changes: readonly ManagerChange[]): Promise<void> {
  if (changes.length > 0) ctx.emit(APPROVERS_CHANGED);
  await ctx.db.execute(sql`
    update people p set manager_id = r.manager, updated_at = ${ctx.now.toISOString()}::timestamptz
      from jsonb_to_recordset(${JSON.stringify(changes)}::text::jsonb) as r(person text, ref text, manager text)
     where p.tenant_id = ${ctx.tenantId} and p.id = r.person and p.manager_ref is not distinct from r.ref
       and p.manager_id is distinct from r.manager`);
}

/**
 * The one person of a provider whom a manager reference means, by the same rules. Null if it matches nobody
 * or several.
 */
export async function managerMeant(
  reader: TenantReader,
  vendor: string,
  ref: string,
): Promise<string | null> {
  const [row] = await reader.db.execute<{ manager: string; fits: number }>(sql`
    with ${meaning(reader.tenantId, vendor, sql`select ${ref}::text as ref`, 'one')}
    select manager, fits::int as fits from meant`);
  return row?.fits === 1 ? row.manager : null;
}
