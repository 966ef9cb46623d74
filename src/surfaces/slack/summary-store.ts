import { and, eq, sql, type SQL } from 'drizzle-orm';
import type { TenantReader, TenantWriter } from '#domain/context.ts';
import { newId } from '#lib/id.ts';
import { slackSummaries } from './tables.ts';

type Summary = typeof slackSummaries.$inferSelect;

/** The mandates of a summary, counted by their rows as they are now, and the first of them. */
export interface SummarisedMandates {
  readonly count: number;
  /** How many are still in the state that the summary tells of. */
  readonly still: number;
  readonly principals: number;
  /** One of the principals, and the name of one. */
  readonly principal: string;
  readonly name: string;
  /** Why, if it is the same for all; null otherwise. */
  readonly reason: string | null;
  readonly first: readonly { readonly agent: string; readonly by: string; readonly what: string }[];
}

/** The calls of a summary, counted, and the first by their summaries. */
export interface SummarisedCalls {
  readonly count: number;
  readonly first: readonly string[];
}

/** A summary collects what follows within these seconds of what it has: a large change is made in pieces. */
const COLLECTS_SECONDS = 600;
/** How many mandates or calls a summary names. */
const NAMED = 5;

/**
 * Writes down who is to be told of these mandates and calls by a summary, in place of a notice for each: the
 * principal, and the owner of a mandate's agent. A person who was told of a change already, by a notice or a
 * summary, is not told again, so it may run any number of times. Mandates that are active and calls that were
 * not withdrawn are not added. Returns the ids of the summaries that show one of these things.
 */
export async function noteTogether(ctx: TenantWriter, things: readonly string[]): Promise<string[]> {
  // Two jobs of one change would otherwise each begin a summary for the same person.
  await ctx.db.execute(
    sql`select pg_advisory_xact_lock(hashtextextended(${`slack summaries ${ctx.tenantId}`}, 0))`,
  );
  const news = await untold(ctx, things);
  for (const { person, change } of news) {
    const summary = await openSummary(ctx, person, change);
    await ctx.db.execute(sql`
      insert into slack_summary_items (tenant_id, person_id, thing, audience, summary_id)
      select ${ctx.tenantId}, ${person}, n.thing, n.audience, ${summary} from (${told(ctx, things)}) n
       where n.person = ${person} and n.change = ${change} and not ${known(ctx, sql`n`)}
      on conflict do nothing`);
  }
  return summariesOf(ctx, things);
}

/** The ids of the summaries that show one of these mandates or calls. */
export async function summariesOf(reader: TenantReader, things: readonly string[]): Promise<string[]> {
  const rows = await reader.db.execute<{ id: string }>(sql`
    select distinct summary_id as id from slack_summary_items
     where tenant_id = ${reader.tenantId} and thing = any(${sql.param([...things])}::text[]) order by 1`);
  return rows.map((row) => row.id);
}

/** The people who read about a thing in a summary, where it has this audience's place. */
export async function toldTogether(
  reader: TenantReader,
  thing: string,
  audience: string,
): Promise<ReadonlySet<string>> {
  const rows = await reader.db.execute<{ id: string }>(sql`
    select person_id as id from slack_summary_items
     where tenant_id = ${reader.tenantId} and thing = ${thing} and audience = ${audience}`);
  return new Set(rows.map((row) => row.id));
}

/** Whose summary it is and what it tells, or null. */
export async function findSummary(reader: TenantReader, id: string): Promise<Summary | null> {
  const [summary] = await reader.db
    .select()
    .from(slackSummaries)
    .where(and(eq(slackSummaries.tenantId, reader.tenantId), eq(slackSummaries.id, id)));
  return summary ?? null;
}

/**
 * A row for each person and change: what a notice would tell, by the rows of mandates and calls as they are.
 */
const told = (reader: TenantReader, things: readonly string[]): SQL => sql`
  select m.id as thing, p.person, m.state as change,
         case when m.state = 'frozen' then 'mandate-frozen-' || coalesce((
           select floor(extract(epoch from min(f.since)) * 1000)::bigint from mandate_freezes f
            where f.tenant_id = m.tenant_id and f.mandate_id = m.id), 0)::text
         else 'mandate-' || m.state end as audience
    from mandates m
    join agents a on a.tenant_id = m.tenant_id and a.id = m.agent_id
   cross join lateral (select m.principal_id as person union select a.owner_id) p
   where m.tenant_id = ${reader.tenantId} and m.id = any(${sql.param([...things])}::text[]) and m.state <> 'active'
  union all
  select c.id, c.principal_id, 'withdrawn', 'outcome' from calls c
   where c.tenant_id = ${reader.tenantId} and c.id = any(${sql.param([...things])}::text[])
     and c.state = 'withdrawn' and c.principal_id is not null`;

/** Whether the person was told of it already, by a summary or by a notice of its own. */
const known = (reader: TenantReader, of: SQL): SQL => sql`(
  exists (select from slack_summary_items i where i.tenant_id = ${reader.tenantId}
    and i.thing = ${of}.thing and i.person_id = ${of}.person and i.audience = ${of}.audience)
  or exists (select from slack_messages s where s.tenant_id = ${reader.tenantId}
    and s.thing = ${of}.thing and s.person_id = ${of}.person and s.audience = ${of}.audience))`;

/** Each person with each change that they have not been told of. */
async function untold(
  reader: TenantReader,
  things: readonly string[],
): Promise<readonly { person: string; change: string }[]> {
  return reader.db.execute<{ person: string; change: string }>(sql`
    select distinct n.person, n.change from (${told(reader, things)}) n
     where not ${known(reader, sql`n`)} order by 1, 2`);
}

/** The summary that still collects this change for this person, or a new one. */
async function openSummary(ctx: TenantWriter, person: string, change: string): Promise<string> {
  const since = new Date(ctx.now.getTime() - COLLECTS_SECONDS * 1000);
  const [open] = await ctx.db.execute<{ id: string }>(sql`
    update slack_summaries set updated_at = ${ctx.now.toISOString()}::timestamptz
     where tenant_id = ${ctx.tenantId} and id = (
       select id from slack_summaries where tenant_id = ${ctx.tenantId} and person_id = ${person}
          and change = ${change} and updated_at >= ${since.toISOString()}::timestamptz
        order by updated_at desc limit 1)
    returning id`);
  if (open !== undefined) return open.id;
  const id = newId('sum');
  await ctx.db
    .insert(slackSummaries)
    .values({ tenantId: ctx.tenantId, id, personId: person, change, updatedAt: ctx.now });
  return id;
}

/** The mandates of a summary. `change` is the state that it tells of. */
export async function mandatesIn(
  reader: TenantReader,
  id: string,
  change: string,
): Promise<SummarisedMandates> {
  const items = sql`(select distinct thing from slack_summary_items where tenant_id = ${reader.tenantId} and summary_id = ${id}) i
    join mandates m on m.tenant_id = ${reader.tenantId} and m.id = i.thing
    join people p on p.tenant_id = m.tenant_id and p.id = m.principal_id`;
  const [counts] = await reader.db.execute<Omit<SummarisedMandates, 'first'>>(sql`
    select count(*)::int as count, count(*) filter (where m.state = ${change})::int as still,
           count(distinct m.principal_id)::int as principals, min(m.principal_id) as principal, min(p.display_name) as name,
           case when count(distinct m.reason) filter (where m.state = ${change}) = 1
             then min(m.reason) filter (where m.state = ${change}) end as reason
      from ${items}`);
  if (counts === undefined) throw new Error('a count returned no row');
  const first = await reader.db.execute<{ agent: string; by: string; what: string }>(sql`
    select a.name as agent, p.display_name as by, m.purpose as what
      from ${items} join agents a on a.tenant_id = m.tenant_id and a.id = m.agent_id
     order by m.id limit ${NAMED}`);
  return { ...counts, first: [...first] };
}

/** The calls of a summary. */
export async function callsIn(reader: TenantReader, id: string): Promise<SummarisedCalls> {
  const items = sql`slack_summary_items i join calls c on c.tenant_id = i.tenant_id and c.id = i.thing
    where i.tenant_id = ${reader.tenantId} and i.summary_id = ${id}`;
  const [counts] = await reader.db.execute<{ count: number }>(
    sql`select count(*)::int as count from ${items}`,
  );
  const first = await reader.db.execute<{ summary: string }>(
    sql`select c.summary from ${items} order by c.id limit ${NAMED}`,
  );
  return { count: counts?.count ?? 0, first: first.map((row) => row.summary) };
}
