import { and, desc, eq, lt, or, sql, type SQL } from 'drizzle-orm';
import type { Approval } from '#domain/approval/store.ts';
import { approvals } from '#domain/approval/tables.ts';
import type { Call } from '#domain/call/store.ts';
import { calls } from '#domain/call/tables.ts';
import type { CallState } from '#domain/call/call.ts';
import type { ApprovalState } from '#domain/approval/approval.ts';
import type { TenantReader } from '#domain/context.ts';

/** Which calls a caller may see: all, those that concern a person, or an agent's own under one mandate. */
export type Sight =
  | { readonly of: 'all' }
  | { readonly of: 'person'; readonly personId: string }
  | { readonly of: 'agent'; readonly agentId: string; readonly mandateId: string };

/** A page, newest first. `before` is the last id of the previous page. */
export interface Page {
  readonly before: string | undefined;
  readonly limit: number;
}

/** The calls that the sight covers, newest first. */
export async function callPage(
  reader: TenantReader,
  sight: Sight,
  filter: { state?: CallState | undefined; tool?: string | undefined },
  page: Page,
): Promise<Call[]> {
  return reader.db
    .select()
    .from(calls)
    .where(
      and(
        eq(calls.tenantId, reader.tenantId),
        within(sight),
        filter.state === undefined ? undefined : eq(calls.state, filter.state),
        filter.tool === undefined ? undefined : eq(calls.tool, filter.tool),
        page.before === undefined ? undefined : lt(calls.id, page.before),
      ),
    )
    .orderBy(desc(calls.id))
    .limit(page.limit);
}

/** The call with this id, or null if it does not exist or the sight does not cover it. */
export async function visibleCall(reader: TenantReader, sight: Sight, id: string): Promise<Call | null> {
  const [row] = await reader.db
    .select()
    .from(calls)
    .where(and(eq(calls.tenantId, reader.tenantId), eq(calls.id, id), within(sight)));
  return row ?? null;
}

/**
 * Approvals, newest first, each with whether the sight covers its call. Does not check whether a person may
 * vote on them.
 */
export async function approvalPage(
  reader: TenantReader,
  sight: Sight,
  filter: { state?: ApprovalState | undefined; id?: string },
  page: Page,
): Promise<{ readonly approval: Approval; readonly concerned: boolean }[]> {
  // A person may have to decide about calls that do not concern them. An agent never does.
  const covered = sight.of === 'person' ? undefined : within(sight);
  return reader.db
    .select({ approval: approvals, concerned: sql<boolean>`${within(sight) ?? sql`true`}` })
    .from(approvals)
    .innerJoin(calls, and(eq(calls.tenantId, approvals.tenantId), eq(calls.id, approvals.callId)))
    .where(
      and(
        eq(approvals.tenantId, reader.tenantId),
        covered,
        filter.state === undefined ? undefined : eq(approvals.state, filter.state),
        filter.id === undefined ? undefined : eq(approvals.id, filter.id),
        page.before === undefined ? undefined : lt(approvals.id, page.before),
      ),
    )
    .orderBy(desc(approvals.id))
    .limit(page.limit);
}

/** The condition on `calls`. Undefined if everything may be seen. */
function within(sight: Sight): SQL | undefined {
  if (sight.of === 'all') return undefined;
  if (sight.of === 'agent')
    return and(eq(calls.agentId, sight.agentId), eq(calls.mandateId, sight.mandateId));
  // They or their agent asked, it is about them, or they own the agent.
  return or(
    eq(calls.principalId, sight.personId),
    sql`${sight.personId} = any(${calls.targets})`,
    sql`${calls.agentId} in (select a.id from agents a where a.tenant_id = ${calls.tenantId} and a.owner_id = ${sight.personId})`,
  );
}
