import { and, asc, eq, inArray, notExists, sql } from 'drizzle-orm';
import type { TenantReader, TenantWriter } from '../context.ts';
import { missingScopes } from '../mandate/rules.ts';
import { freezeMandates, type Mandate } from '../mandate/store.ts';
import { mandateFreezes, mandates } from '../mandate/tables.ts';
import { people } from '../person/tables.ts';
import { groupMappings, groups, memberships } from './tables.ts';

/** The cause of a freeze for want of support by the principal's groups. */
export const AUTHORITY_LOST = 'authority_lost';

export interface Reevaluated {
  readonly frozen: readonly string[];
  readonly thawed: readonly string[];
}

/**
 * Brings the open mandates of these people in line with what their groups give now: those that hold a scope which is given no more
 * are frozen with the cause `authority_lost`, those whose support returned lose that cause and no other (requirements S3, D9).
 * The people are locked first, so that no mandate is born beside it from authority that is going (law 2). Call it after the
 * change, in the same transaction. Returns the ids of what it froze, and of what is active again.
 */
export async function reevaluateAuthority(
  ctx: TenantWriter,
  personIds: readonly string[],
  actor: string,
): Promise<Reevaluated> {
  const ids = [...new Set(personIds)].sort();
  if (ids.length === 0) return { frozen: [], thawed: [] };
  await ctx.db
    .select({ id: people.id })
    .from(people)
    .where(and(eq(people.tenantId, ctx.tenantId), inArray(people.id, ids)))
    .orderBy(asc(people.id))
    .for('update');
  const open = await ctx.db
    .select()
    .from(mandates)
    .where(
      and(
        eq(mandates.tenantId, ctx.tenantId),
        inArray(mandates.principalId, ids),
        inArray(mandates.state, ['active', 'frozen']),
      ),
    )
    .orderBy(asc(mandates.id))
    .for('update');
  if (open.length === 0) return { frozen: [], thawed: [] };
  const given = await scopesByPerson(ctx, ids);
  const lacking = await withCause(ctx, open);
  const unsupported = (mandate: Mandate) =>
    missingScopes(mandate.scopes, given.get(mandate.principalId) ?? []);
  const toFreeze = open.filter((one) => !lacking.has(one.id) && unsupported(one).length > 0);
  const toThaw = open.filter((one) => lacking.has(one.id) && unsupported(one).length === 0);
  await freeze(ctx, toFreeze, unsupported, actor);
  return { frozen: toFreeze.map(({ id }) => id), thawed: await thaw(ctx, toThaw, actor) };
}

/** What each of these people's groups give at this moment. Who has nothing is not in it. */
export async function scopesByPerson(
  reader: TenantReader,
  personIds: readonly string[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const rows = await reader.db
    .select({ personId: memberships.personId, scopes: groupMappings.scopes })
    .from(memberships)
    .innerJoin(groups, and(eq(groups.tenantId, memberships.tenantId), eq(groups.id, memberships.groupId)))
    .innerJoin(
      groupMappings,
      and(
        eq(groupMappings.tenantId, groups.tenantId),
        eq(groupMappings.source, groups.source),
        eq(groupMappings.groupUid, groups.uid),
      ),
    )
    .where(and(eq(memberships.tenantId, reader.tenantId), inArray(memberships.personId, [...personIds])));
  const given = new Map<string, string[]>();
  for (const { personId, scopes } of rows) given.set(personId, [...(given.get(personId) ?? []), ...scopes]);
  return given;
}

async function withCause(ctx: TenantWriter, open: readonly Mandate[]): Promise<Set<string>> {
  const rows = await ctx.db
    .select({ id: mandateFreezes.mandateId })
    .from(mandateFreezes)
    .where(
      and(
        eq(mandateFreezes.tenantId, ctx.tenantId),
        eq(mandateFreezes.cause, AUTHORITY_LOST),
        inArray(
          mandateFreezes.mandateId,
          open.map(({ id }) => id),
        ),
      ),
    );
  return new Set(rows.map(({ id }) => id));
}

async function freeze(
  ctx: TenantWriter,
  lost: readonly Mandate[],
  unsupported: (mandate: Mandate) => string[],
  actor: string,
): Promise<void> {
  await freezeMandates(
    ctx,
    lost.map(({ id }) => id),
    AUTHORITY_LOST,
  );
  for (const mandate of lost) {
    ctx.record({
      event: 'MANDATE_FROZEN',
      actor,
      data: {
        mandate_id: mandate.id,
        principal: mandate.principalId,
        agent: mandate.agentId,
        cause: AUTHORITY_LOST,
        scopes_lost: unsupported(mandate),
      },
    });
    ctx.emit({ name: 'mandate.frozen', thing: mandate.id });
  }
}

/** Lifts the cause; those left without any are active again, with a new epoch: tokens from before stay dead. */
async function thaw(ctx: TenantWriter, regained: readonly Mandate[], actor: string): Promise<string[]> {
  if (regained.length === 0) return [];
  const ids = regained.map(({ id }) => id);
  await ctx.db
    .delete(mandateFreezes)
    .where(
      and(
        eq(mandateFreezes.tenantId, ctx.tenantId),
        eq(mandateFreezes.cause, AUTHORITY_LOST),
        inArray(mandateFreezes.mandateId, ids),
      ),
    );
  const causes = ctx.db
    .select({ one: sql`1` })
    .from(mandateFreezes)
    .where(and(eq(mandateFreezes.tenantId, mandates.tenantId), eq(mandateFreezes.mandateId, mandates.id)));
  const active = await ctx.db
    .update(mandates)
    .set({ state: 'active', reason: null, epoch: sql`${mandates.epoch} + 1` })
    .where(
      and(
        eq(mandates.tenantId, ctx.tenantId),
        inArray(mandates.id, ids),
        eq(mandates.state, 'frozen'),
        notExists(causes),
      ),
    )
    .returning({ id: mandates.id, principalId: mandates.principalId });
  for (const { id, principalId } of active) {
    ctx.record({
      event: 'MANDATE_THAWED',
      actor,
      data: { mandate_id: id, principal: principalId, lifted: AUTHORITY_LOST },
    });
    ctx.emit({ name: 'mandate.thawed', thing: id });
  }
  return active.map(({ id }) => id);
}
