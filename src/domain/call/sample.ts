import { and, desc, eq, gte, ne, sql } from 'drizzle-orm';
import type { TenantReader } from '../context.ts';
import type { Call } from './store.ts';
import { calls } from './tables.ts';

export type { Call } from './store.ts';

/**
 * Calls since a moment, newest first, without superseded ones. Of more than `most` it takes every nth, so
 * they are spread over the whole time. `total`: how many there were. Two statements for any number.
 */
export async function sampleCalls(
  reader: TenantReader,
  since: Date,
  most: number,
): Promise<{ calls: Call[]; total: number }> {
  const meant = and(
    eq(calls.tenantId, reader.tenantId),
    gte(calls.createdAt, since),
    ne(calls.state, 'superseded'),
  );
  const numbered = reader.db
    .select({
      id: calls.id,
      nth: sql<number>`row_number() over (order by ${calls.id} desc)`.as('nth'),
      total: sql<number>`count(*) over ()`.as('total'),
    })
    .from(calls)
    .where(meant)
    .as('numbered');
  const picked = await reader.db
    .select({ id: numbered.id, total: sql<string>`${numbered.total}` })
    .from(numbered)
    .where(sql`(${numbered.nth} - 1) % ((${numbered.total} + ${most} - 1) / ${most}) = 0`);
  const ids = picked.map(({ id }) => id);
  const rows = await reader.db
    .select()
    .from(calls)
    .where(and(eq(calls.tenantId, reader.tenantId), sql`${calls.id} = any(${sql.param(ids)}::text[])`))
    .orderBy(desc(calls.id));
  return { calls: rows, total: Number(picked[0]?.total ?? 0) };
}
