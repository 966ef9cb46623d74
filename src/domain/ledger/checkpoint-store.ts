import { and, desc, eq, lt } from 'drizzle-orm';
import type { TenantReader, TenantWriter } from '../context.ts';
import { ledgerCheckpoints } from './tables.ts';

/** A checkpoint as it was signed and stored. */
export type KeptCheckpoint = typeof ledgerCheckpoints.$inferSelect;

/** The tenant's checkpoints, newest first; only those below the number `before` if given. */
export async function listCheckpoints(
  reader: TenantReader,
  before: number | null,
  limit: number,
): Promise<KeptCheckpoint[]> {
  return reader.db
    .select()
    .from(ledgerCheckpoints)
    .where(
      and(
        eq(ledgerCheckpoints.tenantId, reader.tenantId),
        before === null ? undefined : lt(ledgerCheckpoints.seq, before),
      ),
    )
    .orderBy(desc(ledgerCheckpoints.seq))
    .limit(limit);
}

/** Stores a checkpoint. The first one at a place of the chain stays. */
export async function insertCheckpoint(
  ctx: TenantWriter,
  checkpoint: Omit<KeptCheckpoint, 'tenantId'>,
): Promise<void> {
  await ctx.db
    .insert(ledgerCheckpoints)
    .values({ tenantId: ctx.tenantId, ...checkpoint })
    .onConflictDoNothing();
}
