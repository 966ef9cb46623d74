import { and, eq, inArray, sql } from 'drizzle-orm';
import { newId } from '#lib/id.ts';
import { openCallOn } from '../call/store.ts';
import type { TenantWriter } from '../context.ts';
import { ownerBack } from '../agent/succession.ts';
import { thawMandatesOf } from '../mandate/thaw.ts';
import type { ProviderPerson } from '../provider.ts';
import { theTenant } from '../tenant/store.ts';
import { depart } from './depart.ts';
import type { Person } from './store.ts';
import { suspendHere, SUSPENDED } from './suspend.ts';
import { people } from './tables.ts';

/** The cause that a person missing at the provider gives. */
export const MISSING = 'missing_at_provider';

const profileOf = (person: ProviderPerson) => ({
  login: person.login,
  email: person.email,
  displayName: person.displayName,
  firstName: person.firstName,
  lastName: person.lastName,
  employeeNumber: person.employeeNumber,
  title: person.title,
  department: person.department,
  managerRef: person.managerRef,
});

/**
 * Saves people as the provider shows them at this moment. New ones are inserted; a status that has become worse tightens in this
 * transaction (suspended: freeze; deprovisioned: depart), and one that is ACTIVE again lifts the suspension's freeze and nothing
 * else. `actor` names the channel that told us. Managers are resolved afterwards, by `linkManagers`.
 */
export async function savePeople(
  ctx: TenantWriter,
  vendor: string,
  found: readonly ProviderPerson[],
  actor: string,
): Promise<{ added: number; changed: number }> {
  if (found.length === 0) return { added: 0, changed: 0 };
  const uids = found.map((person) => person.uid);
  const rows = await ctx.db
    .select()
    .from(people)
    .where(and(eq(people.tenantId, ctx.tenantId), eq(people.provider, vendor), inArray(people.uid, uids)))
    .orderBy(people.id)
    .for('update');
  const known = new Map(rows.map((row) => [row.uid, row]));
  const fresh = found.filter((person) => !known.has(person.uid));
  if (fresh.length > 0) {
    await ctx.db
      .insert(people)
      .values(
        fresh.map((person) => ({
          tenantId: ctx.tenantId,
          id: newId('usr'),
          provider: vendor,
          uid: person.uid,
          ...profileOf(person),
          status: person.status,
          readAt: ctx.now,
        })),
      )
      .onConflictDoNothing();
  }
  let changed = 0;
  for (const person of found) {
    const row = known.get(person.uid);
    // What is under way on a person may be our own hold: loosening waits until it is over (law 9).
    if (row === undefined || (loosens(row, person) && (await openCallOn(ctx, row.id)))) continue;
    if (await update(ctx, row, person, actor)) changed += 1;
  }
  return { added: fresh.length, changed };
}

const loosens = (row: Person, person: ProviderPerson): boolean =>
  row.status === 'SUSPENDED' && person.status === 'ACTIVE';

async function update(
  ctx: TenantWriter,
  row: Person,
  person: ProviderPerson,
  actor: string,
): Promise<boolean> {
  const profile = profileOf(person);
  const same =
    row.status === person.status &&
    Object.entries(profile).every(([field, value]) => row[field as keyof typeof profile] === value);
  if (row.status !== person.status) await applyStatus(ctx, row, person.status, actor);
  await ctx.db
    .update(people)
    .set({
      ...profile,
      status: person.status,
      readAt: ctx.now,
      ...(same ? {} : { updatedAt: ctx.now, version: sql`${people.version} + 1` }),
    })
    .where(and(eq(people.tenantId, ctx.tenantId), eq(people.id, row.id)));
  return !same;
}

async function applyStatus(
  ctx: TenantWriter,
  row: Person,
  status: ProviderPerson['status'],
  actor: string,
): Promise<void> {
  if (status === 'SUSPENDED') return suspendHere(ctx, row.id, actor);
  if (status === 'DEPROVISIONED') {
    const { settings } = await theTenant(ctx);
    await depart(ctx, row, {
      actor,
      reason: 'Deactivated at the identity provider',
      mandates: settings.onDeactivate,
    });
    return;
  }
  if (status === 'ACTIVE') {
    await thawMandatesOf(ctx, row.id, SUSPENDED, actor);
    await thawMandatesOf(ctx, row.id, MISSING, actor);
    await ownerBack(ctx, row.id, actor);
  }
}

/** Resolves every manager reference (provider id, login, email or employee number) to a person; what does not resolve stays text. */
export async function linkManagers(ctx: TenantWriter, vendor: string): Promise<void> {
  await ctx.db.execute(sql`
    update people p set manager_id = m.id, updated_at = ${ctx.now.toISOString()}
      from (
        select r.id as report, (
          select c.id from people c
           where c.tenant_id = ${ctx.tenantId} and c.provider = ${vendor} and c.id <> r.id
             and (c.uid = r.manager_ref or lower(c.login) = lower(r.manager_ref) or lower(c.email) = lower(r.manager_ref) or c.employee_number = r.manager_ref)
           order by (c.uid = r.manager_ref) desc, c.id limit 1) as id
          from people r where r.tenant_id = ${ctx.tenantId} and r.provider = ${vendor}
      ) m
     where p.tenant_id = ${ctx.tenantId} and p.id = m.report and p.manager_id is distinct from m.id`);
}
