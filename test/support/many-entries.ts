import type { AnyWorld } from './bare-world.ts';

/** The moment of the first planted entry. The others follow, one each minute, a few of them late. */
export const PLANTED_FROM = new Date('2020-01-01T00:00:00Z');

const id = (prefix: string, of: string) => `'${prefix}_' || lpad((${of})::text, 26, '0')`;

/**
 * Puts this many entries at the end of a tenant's ledger with one statement, without hashes, and adds their
 * chapters. Every second one is by `busy` and names the person 0; mandates have one entry in 997, a call has
 * 5,000. Every seventh carries a time 90 minutes too early; what was there before is dated back. Returns the
 * number of the first one.
 */
export async function plantEntries(
  { sql }: Pick<AnyWorld, 'sql'>,
  tenantId: string,
  count: number,
): Promise<number> {
  const [head] = await sql<
    { seq: number }[]
  >`select seq::int as seq from ledger_heads where tenant_id = ${tenantId}`;
  const before = head?.seq ?? 0;
  // What is there happened earlier.
  await sql`update ledger set at = ${PLANTED_FROM.toISOString()}::timestamptz - interval '1 day' + seq * interval '1 second'
             where tenant_id = ${tenantId}`;
  await sql.unsafe(
    `insert into ledger (tenant_id, seq, id, at, event, actor, data, prev_hash, hash, things)
     select $1, $2::int + n, ${id('evt', 'n')}, $3::timestamptz + n * interval '1 minute' - (n % 7 = 0)::int * interval '90 minutes',
            case when n % 3000 = 0 then 'CALL_DENIED' when n % 4 = 0 then 'TOKEN_ISSUED' else 'VERIFIED' end, actor, '{}', '', '',
            array['by ' || actor, ${id('usr', 'n % 2 * (1 + n % 40)')}, ${id('mdt', 'n % 997')}, ${id('call', 'n / 5000')}]
       from generate_series(1, $4::int) n, lateral (select case n % 2 when 0 then 'busy' else 'actor ' || n % 50 end as actor) a`,
    [tenantId, before, PLANTED_FROM.toISOString(), count],
  );
  await sql`update ledger_heads set seq = ${before + count} where tenant_id = ${tenantId}`;
  await sql`select ledger_index(${tenantId}, 1000000)`;
  await sql`vacuum analyze ledger, ledger_chapters, ledger_mentions`;
  return before + 1;
}
