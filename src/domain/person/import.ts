import { and, eq, sql, type SQL } from 'drizzle-orm';
import { newId } from '#lib/id.ts';
import { openCallOn } from '../call/store.ts';
import type { TenantReader, TenantWriter } from '../context.ts';
import { APPROVERS_CHANGED } from '../events.ts';
import { ownerBack } from '../agent/succession.ts';
import { thawMandatesOf } from '../mandate/thaw.ts';
import type { PersonStatus, ProviderPerson } from '../provider.ts';
import { theTenant } from '../tenant/store.ts';
import { depart } from './depart.ts';
import { emailChange } from './sources.ts';
import { findPerson, type Person } from './store.ts';
import { MISSING, suspendHere, SUSPENDED } from './suspend.ts';
import { people } from './tables.ts';

/** How a page of the provider's list was read. */
export interface PageRead {
  readonly vendor: string;
  /** When the request for the page was sent. Data from a later read is not overwritten. */
  readonly askedAt: Date;
  readonly actor: string;
}

/**
 * The result of saving a page. `loosening`: ids of people whose status in the page is better than ours. Each
 * must be read by id (`savePersonRead`).
 */
export interface SavedPage {
  readonly added: number;
  readonly changed: number;
  readonly loosening: readonly string[];
}

/** A person as our row showed them before a read by id began. */
export interface BeforeRead {
  readonly id: string;
  readonly uid: string;
  readonly provider: string;
  readonly status: PersonStatus;
  readonly epoch: number;
  /** A call about them is in progress, so what the provider shows may be older than its effect. */
  readonly busy: boolean;
}

/**
 * How far a status is from ACTIVE, the only one in which a person may act. A smaller number is less
 * restrictive.
 */
const DISTANCE = {
  ACTIVE: 0,
  STAGED: 1,
  PROVISIONED: 1,
  RECOVERY: 1,
  PASSWORD_EXPIRED: 1,
  LOCKED_OUT: 1,
  SUSPENDED: 2,
  DEPROVISIONED: 3,
} as const satisfies Record<PersonStatus, number>;

const loosens = (row: Person, found: ProviderPerson): boolean =>
  row.missingAt !== null || DISTANCE[found.status] < DISTANCE[row.status];

/**
 * Saves a page of the provider's list. A list may be older than what we know, so it can only restrict (law
 * 8). New people are inserted. A more restrictive status takes effect in this transaction: suspended people
 * are frozen, deprovisioned people depart. People who would be allowed more than before stay as they are and
 * are returned in `loosening`. Does not resolve managers: `findManagers` and `saveManagers` do.
 */
export async function savePeople(
  ctx: TenantWriter,
  found: readonly ProviderPerson[],
  read: PageRead,
): Promise<SavedPage> {
  const rows = await ctx.db
    .select()
    .from(people)
    .where(
      and(
        eq(people.tenantId, ctx.tenantId),
        eq(people.provider, read.vendor),
        sql`${people.uid} = any(${sql.param(found.map((person) => person.uid))}::text[])`,
      ),
    )
    .orderBy(people.id)
    .for('update');
  const known = new Map(rows.map((row) => [row.uid, row]));
  const added = await insertPeople(
    ctx,
    found.filter((person) => !known.has(person.uid)),
    read,
  );
  const loosening: string[] = [];
  const changed: Saved[] = [];
  const same: string[] = [];
  for (const person of found) {
    const row = known.get(person.uid);
    if (row === undefined) continue;
    if (loosens(row, person)) {
      loosening.push(row.id);
      continue;
    }
    if (row.status !== person.status) {
      ctx.emit(APPROVERS_CHANGED);
      await tighten(ctx, row, person.status, read.actor);
    }
    const late = row.readAt > read.askedAt;
    if (row.status !== person.status || (!late && differs(row, person)))
      changed.push({ id: row.id, ...(late ? { ...profileOf(row), status: person.status } : person) });
    else if (!late) same.push(row.id);
  }
  await updatePeople(ctx, changed, read.askedAt);
  await ctx.db
    .update(people)
    .set({ readAt: sql`greatest(${people.readAt}, ${read.askedAt.toISOString()}::timestamptz)` })
    .where(and(eq(people.tenantId, ctx.tenantId), sql`${people.id} = any(${sql.param(same)}::text[])`));
  return { added, changed: changed.length, loosening };
}

/**
 * A person's row as it must be read before the provider is asked about them by id. Null if there is no such
 * person.
 */
export async function beforeRead(reader: TenantReader, personId: string): Promise<BeforeRead | null> {
  const person = await findPerson(reader, personId);
  if (person === null) return null;
  const { id, uid, provider, status, epoch } = person;
  return { id, uid, provider, status, epoch, busy: await openCallOn(reader, id) };
}

/**
 * Saves the result of a read by id that began after `before` was taken. It may loosen (law 8): ACTIVE again
 * lifts what a suspension or a proven absence froze, and nothing else. It does not loosen while a call about
 * the person is or was in progress (`held`: the answer may be older than the call's effect), nor if the
 * person was restricted in the meantime (`outdated`: read again).
 */
export async function savePersonRead(
  ctx: TenantWriter,
  found: ProviderPerson,
  before: BeforeRead,
  read: PageRead,
): Promise<'saved' | 'held' | 'outdated'> {
  const row = await findPerson(ctx, before.id, 'update');
  if (row === null) return 'saved';
  if (loosens(row, found)) {
    if (row.epoch !== before.epoch || row.status !== before.status) return 'outdated';
    if (before.busy || (await openCallOn(ctx, row.id))) return 'held';
    if (found.status === 'ACTIVE') {
      await thawMandatesOf(ctx, row.id, SUSPENDED, read.actor);
      await thawMandatesOf(ctx, row.id, MISSING, read.actor);
      await ownerBack(ctx, row.id, read.actor);
    }
  } else if (row.status !== found.status) await tighten(ctx, row, found.status, read.actor);
  if (row.status !== found.status) ctx.emit(APPROVERS_CHANGED);
  const changed = row.status !== found.status || row.missingAt !== null || differs(row, found);
  await ctx.db
    .update(people)
    .set({
      ...profileOf(found),
      emailChangedAt: emailChange('people', sql`${found.email}`, ctx.now),
      status: found.status,
      missingAt: null,
      readAt: read.askedAt,
      ...(changed ? { updatedAt: ctx.now, version: sql`${people.version} + 1` } : {}),
    })
    .where(and(eq(people.tenantId, ctx.tenantId), eq(people.id, row.id)));
  return 'saved';
}

/** Notes when a read began that showed this person and their groups. */
export async function noteChecked(ctx: TenantWriter, personId: string, begun: Date): Promise<void> {
  await ctx.db
    .update(people)
    .set({ checkedAt: begun })
    .where(and(eq(people.tenantId, ctx.tenantId), eq(people.id, personId)));
}

/** Those of these people whose directory data is older than the tenant allows. */
export async function outdatedPeople(reader: TenantReader, ids: readonly string[]): Promise<string[]> {
  const rows = await reader.db.execute<{ id: string }>(sql`
    select id from unnest(${sql.param([...new Set(ids)])}::text[]) as asked(id)
     where (decision_person(${reader.tenantId}, id) ->> 'directoryUntil')::timestamptz < ${reader.now.toISOString()}::timestamptz`);
  return rows.map(({ id }) => id);
}

async function tighten(ctx: TenantWriter, row: Person, status: PersonStatus, actor: string): Promise<void> {
  if (status === 'SUSPENDED') return suspendHere(ctx, row.id, actor);
  if (status !== 'DEPROVISIONED') return;
  const { settings } = await theTenant(ctx);
  await depart(ctx, row, {
    actor,
    reason: 'Deactivated at the identity provider',
    mandates: settings.onDeactivate,
  });
}

/** The fields that the provider supplies, with their columns. */
const PROFILE = {
  login: 'login',
  email: 'email',
  displayName: 'display_name',
  firstName: 'first_name',
  lastName: 'last_name',
  employeeNumber: 'employee_number',
  title: 'title',
  department: 'department',
  managerRef: 'manager_ref',
} as const satisfies Partial<Record<keyof ProviderPerson, string>>;

type Profile = Pick<ProviderPerson, keyof typeof PROFILE>;
type Saved = Profile & { readonly id: string; readonly status: PersonStatus };

const FIELDS = Object.keys(PROFILE) as (keyof Profile)[];
const profileOf = (person: Profile): Profile =>
  Object.fromEntries(FIELDS.map((field) => [field, person[field]])) as Profile;
const differs = (row: Person, found: ProviderPerson): boolean =>
  FIELDS.some((field) => row[field] !== found[field]);

/** People as the rows `r` of a statement: one parameter for any number of people. */
const asRows = (saved: readonly (Saved & { readonly uid?: string })[]): SQL => {
  const columns = FIELDS.map((field) => `${PROFILE[field]} text`).join(', ');
  const rows = saved.map(({ id, uid, status, ...person }) => ({
    id,
    uid,
    status,
    ...Object.fromEntries(FIELDS.map((field) => [PROFILE[field], person[field]])),
  }));
  return sql`jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb) as r(id text, uid text, status text, ${sql.raw(columns)})`;
};

async function insertPeople(
  ctx: TenantWriter,
  fresh: readonly ProviderPerson[],
  { vendor, askedAt }: PageRead,
): Promise<number> {
  if (fresh.length === 0) return 0;
  const columns = sql.raw(Object.values(PROFILE).join(', '));
  const inserted = await ctx.db.execute(sql`
    insert into people (tenant_id, id, provider, uid, status, read_at, ${columns})
    select ${ctx.tenantId}, id, ${vendor}, uid, status, ${askedAt.toISOString()}::timestamptz, ${columns}
      from ${asRows(fresh.map((person) => ({ ...person, id: newId('usr') })))}
    on conflict do nothing returning id`);
  return inserted.length;
}

async function updatePeople(ctx: TenantWriter, changed: readonly Saved[], readAt: Date): Promise<void> {
  if (changed.length === 0) return;
  const assigned = sql.raw(
    Object.values(PROFILE)
      .map((column) => `${column} = r.${column}`)
      .join(', '),
  );
  await ctx.db.execute(sql`
    update people p
       set ${assigned}, email_changed_at = ${emailChange('p', sql`r.email`, ctx.now)}, status = r.status, read_at = greatest(p.read_at, ${readAt.toISOString()}::timestamptz),
           updated_at = ${ctx.now.toISOString()}::timestamptz, version = p.version + 1
      from ${asRows(changed)}
     where p.tenant_id = ${ctx.tenantId} and p.id = r.id`);
}
