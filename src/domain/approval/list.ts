import { sql, type SQL } from 'drizzle-orm';
import { Fault } from '#lib/fault.ts';
import type { TenantReader } from '../context.ts';
import { literal } from '../paging.ts';
import type { ApprovalState } from './approval.ts';

/** Which approvals to list: those that may concern one of these parties, or every one for null. */
export type Parties = readonly string[] | null;

/**
 * An approval that may concern one of the parties. `certain`: it does, whatever else is true now. Otherwise
 * only a rule says so, and whom that asks is another question.
 */
export interface Candidate {
  readonly id: string;
  readonly certain: boolean;
}

/** A page. `after` is the id of the last approval that was looked at before. */
interface Page {
  readonly after: string | undefined;
  readonly limit: number;
}

/**
 * Pending approvals, those that expire first. Costs the same for any number of approvals: each party's
 * are read by an index in this order. Does not check who may see them. Throws Fault `invalid_input` where
 * `after` is no approval.
 */
export async function urgentApprovals(
  reader: TenantReader,
  parties: Parties,
  { after, limit }: Page,
): Promise<Candidate[]> {
  const place = after === undefined ? null : await placeOf(reader, after);
  const rest = (id: SQL) =>
    place === null ? sql`` : sql`and (expires_at, ${id}) > (${place}::timestamptz, ${after})`;
  if (parties === null)
    return candidates(
      reader,
      sql`select id, true as certain from approvals where tenant_id = ${reader.tenantId} and state = 'pending' ${rest(sql`id`)}
        order by expires_at, id limit ${limit}`,
    );
  return candidates(
    reader,
    sql`select id, certain from (${ofEach(
      parties,
      sql`select approval_id as id, expires_at from approval_parties
        where tenant_id = ${reader.tenantId} and party = asked.party and expires_at is not null ${rest(sql`approval_id`)}
        order by expires_at, approval_id limit ${limit}`,
      sql`walk.id, walk.expires_at`,
    )}) as found order by expires_at, id limit ${limit}`,
  );
}

/**
 * Approvals in every state, or in one, newest first. Costs the same for any number of approvals of
 * others. Does not check who may see them.
 */
export async function latestApprovals(
  reader: TenantReader,
  parties: Parties,
  { after, limit, state }: Page & { readonly state: ApprovalState | undefined },
): Promise<Candidate[]> {
  const { tenantId } = reader;
  const rest = (id: SQL) => (after === undefined ? sql`` : sql`and ${id} < ${after}`);
  if (parties === null)
    return candidates(
      reader,
      sql`select id, true as certain from approvals where tenant_id = ${tenantId} ${
        state === undefined ? sql`` : sql`and state = ${literal(state)}`
      } ${rest(sql`id`)} order by id desc limit ${limit}`,
    );
  // A party's pending approvals have an index of their own. Of the others, those in one state are looked for
  // among the party's.
  const where =
    state === undefined
      ? sql``
      : state === 'pending'
        ? sql`and p.expires_at is not null`
        : sql`and p.expires_at is null and (select a.state from approvals a
            where a.tenant_id = ${tenantId} and a.id = p.approval_id) = ${state}`;
  return candidates(
    reader,
    sql`${ofEach(
      parties,
      sql`select p.approval_id as id from approval_parties p
        where p.tenant_id = ${tenantId} and p.party = asked.party ${where} ${rest(sql`p.approval_id`)}
        order by p.approval_id desc limit ${limit}`,
      sql`walk.id`,
    )} order by id desc limit ${limit}`,
  );
}

/** What one walk finds for each party, each approval once. */
const ofEach = (parties: readonly string[], walk: SQL, columns: SQL): SQL =>
  sql`select ${columns}, bool_or(split_part(asked.party, ':', 1) in ('asked_by', 'about', 'agent', 'mandate', 'voter')) as certain
    from unnest(${sql.param([...parties])}::text[]) as asked(party) cross join lateral (${walk}) as walk group by ${columns}`;

async function candidates(reader: TenantReader, select: SQL): Promise<Candidate[]> {
  const rows = await reader.db.execute<{ id: string; certain: boolean }>(select);
  return [...rows];
}

/** When that approval expires, to the microsecond. A cursor stays good when the approval is decided. */
async function placeOf(reader: TenantReader, id: string): Promise<string> {
  const [row] = await reader.db.execute<{ at: string }>(
    sql`select expires_at::text as at from approvals where tenant_id = ${reader.tenantId} and id = ${id}`,
  );
  if (row === undefined)
    throw new Fault(
      'invalid_input',
      'This cursor is not from this list. Leave it out to start from the beginning.',
    );
  return row.at;
}
