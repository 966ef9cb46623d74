import { and, eq, isNull, sql } from 'drizzle-orm';
import { newId } from '#lib/id.ts';
import type { TenantReader, TenantWriter } from '../context.ts';
import { jobAlarms } from './tables.ts';

/** A row of `job_alarms`. */
export type JobAlarm = typeof jobAlarms.$inferSelect;

/** The work that failed: its queue and its subject, which is empty if a tenant has only one of its kind. */
export interface Work {
  readonly queue: string;
  readonly subject: string;
}

/**
 * Tells IT admins that this work has failed for good. They are told once until it succeeds; a new
 * reason replaces the old one in the same message.
 */
export async function raiseAlarm(ctx: TenantWriter, work: Work, reason: string): Promise<void> {
  const [alarm] = await ctx.db
    .insert(jobAlarms)
    .values({ tenantId: ctx.tenantId, id: newId('alm'), ...work, reason, raisedAt: ctx.now })
    .onConflictDoUpdate({
      target: [jobAlarms.tenantId, jobAlarms.queue, jobAlarms.subject],
      targetWhere: isNull(jobAlarms.overAt),
      set: { reason },
      setWhere: sql`${jobAlarms.reason} <> excluded.reason`,
    })
    .returning({ id: jobAlarms.id });
  if (alarm !== undefined) ctx.emit({ name: 'job.failed', thing: alarm.id });
}

/** The work succeeded again: ends the alarm, and the message to IT admins says so. */
export async function endAlarm(ctx: TenantWriter, { queue, subject }: Work): Promise<void> {
  const ended = await ctx.db
    .update(jobAlarms)
    .set({ overAt: ctx.now })
    .where(
      and(
        eq(jobAlarms.tenantId, ctx.tenantId),
        eq(jobAlarms.queue, queue),
        eq(jobAlarms.subject, subject),
        isNull(jobAlarms.overAt),
      ),
    )
    .returning({ id: jobAlarms.id });
  for (const { id } of ended) ctx.emit({ name: 'job.recovered', thing: id });
}

/** The alarm with this id, or null. */
export async function findAlarm(reader: TenantReader, id: string): Promise<JobAlarm | null> {
  const [row] = await reader.db
    .select()
    .from(jobAlarms)
    .where(and(eq(jobAlarms.tenantId, reader.tenantId), eq(jobAlarms.id, id)));
  return row ?? null;
}
