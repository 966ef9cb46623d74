import { sql, type SQL } from 'drizzle-orm';
import { Fault } from '#lib/fault.ts';
import type { TenantReader } from '../context.ts';
import type { ApprovalState } from './approval.ts';

/** Which approvals to list: those that may concern one of these parties, or every one for null. */
export type Parties = readonly string[] | null;

/** A page. `after` is the id of the last approval that was looked at before. */
interface Page {
  readonly after: string | undefined;
  readonly limit: number;
}

/**
 * Ids of pending approvals, those that expire first. Costs the same for any number of approvals: each party's
 * are read by an index in this order. Does not check who may see them. Throws Fault `invalid_input` where
 * `after` is no approval.
 */
export async function urgentApprovals(
  reader: TenantReader,
  parties: Parties,
  { after, limit }: Page,
): Promise<string[]> {
  const place = after === undefined ? null : await placeOf(reader, after);
  const rest = (id: SQL) =>
    place === null ? sql`` : sql`and (expires_at, ${id}) > (${place}::timestamptz, ${after})`;
  if (parties === null)
    return idsOf(
      reader,
      sql`select id from approvals where tenant_id = ${reader.tenantId} and state = 'pending' ${rest(sql`id`)}
        order by expires_at, id limit ${limit}`,
    );
  return idsOf(
    reader,
    sql`select id from (${ofEach(
      parties,
      sql`select approval_id as id, expires_at from approval_parties
        where tenant_id = ${reader.tenantId} and party = asked.party and expires_at is not null ${rest(sql`approval_id`)}
        order by expires_at, approval_id limit ${limit}`,
      sql`walk.id, walk.expires_at`,
    )}) as found order by expires_at, id limit ${limit}`,
  );
}

/**
 * Ids of approvals in every state, or in one, newest first. Costs the same for any number of approvals of
 * others. Does not check who may see them.
 */
export async function latestApprovals(
  reader: TenantReader,
  parties: Parties,
  { after, limit, state }: Page & { readonly state: ApprovalState | undefined },
): Promise<string[]> {
  const { tenantId } = reader;
  const rest = (id: SQL) => (after === undefined ? sql`` : sql`and ${id} < ${after}`);
  if (parties === null)
    return idsOf(
      reader,
      sql`select id from approvals where tenant_id = ${tenantId} ${
        state === undefined ? sql`` : sql`and state = ${state}`
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
  return idsOf(
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

/** What one walk finds for each party, each thing once. */
const ofEach = (parties: readonly string[], walk: SQL, columns: SQL): SQL =>
  sql`select distinct ${columns} from unnest(${sql.param([...parties])}::text[]) as asked(party)
    cross join lateral (${walk}) as walk`;

async function idsOf(reader: TenantReader, select: SQL): Promise<string[]> {
  const rows = await reader.db.execute<{ id: string }>(select);
  return rows.map(({ id }) => id);
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
