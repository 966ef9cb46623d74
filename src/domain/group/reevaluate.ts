import { and, asc, eq, inArray, sql } from 'drizzle-orm';
import type { TenantReader, TenantWriter } from '../context.ts';
import { AUTHORITY_LOST } from '../mandate/causes.ts';
import { freezeMandates } from '../mandate/freeze.ts';
import { missingScopes } from '../mandate/rules.ts';
import type { Mandate } from '../mandate/store.ts';
import { mandates } from '../mandate/tables.ts';
import { liftCause } from '../mandate/thaw.ts';
import { people } from '../person/tables.ts';
import { groupMappings, groups, memberships } from './tables.ts';

/** The queue that looks at the people whom one transaction would have been too long for. */
export const REEVALUATE_AUTHORITY = 'reevaluate-authority';
/** So many people are looked at in one transaction: they are locked until it ends. */
const PIECE = 250;

export interface Reevaluated {
  /** Ids of what this transaction froze, and of what is active again. */
  readonly frozen: readonly string[];
  readonly thawed: readonly string[];
  /** How many people a job looks at after the commit. What they lost is refused from the commit on: authority is derived at each question. */
  readonly later: number;
}

/** One of the pieces that were left to jobs. Each leaves an entry; all `of` of them together are the end. */
export interface Piece {
  readonly people: readonly string[];
  readonly actor: string;
  readonly part: number;
  readonly of: number;
}

/**
 * Brings the open mandates of these people in line with what their groups give now: those that hold a scope which is given no more
 * are frozen with the cause `authority_lost`, those whose support returned lose that cause and no other (requirements S3, D9).
 * Of many people the first are done here, and the rest in pieces by jobs. Call it after the change, in the same transaction.
 */
export async function reevaluateAuthority(
  ctx: TenantWriter,
  personIds: readonly string[],
  actor: string,
): Promise<Reevaluated> {
  const ids = [...new Set(personIds)].sort();
  const later = ids.slice(PIECE);
  const of = Math.ceil(later.length / PIECE);
  for (let part = 1; part <= of; part += 1) {
    const people = later.slice((part - 1) * PIECE, part * PIECE).join(' ');
    ctx.enqueue(REEVALUATE_AUTHORITY, { people, actor, part, of });
  }
  return { ...(await bringInLine(ctx, ids.slice(0, PIECE), actor)), later: later.length };
}

/** Does one piece that was left to a job, and notes it. Doing it twice changes nothing more, and is noted twice. */
export async function reevaluatePiece(ctx: TenantWriter, piece: Piece): Promise<void> {
  const { people, actor, part, of } = piece;
  const { frozen, thawed } = await bringInLine(ctx, people, actor);
  ctx.record({
    event: 'authority_reevaluated',
    actor,
    data: { part, of, people: people.length, frozen: frozen.length, thawed: thawed.length },
  });
}

/** The people are locked first, so that no mandate is born beside it from authority that is going (law 2). */
async function bringInLine(
  ctx: TenantWriter,
  ids: readonly string[],
  actor: string,
): Promise<Pick<Reevaluated, 'frozen' | 'thawed'>> {
  if (ids.length === 0) return { frozen: [], thawed: [] };
  await ctx.db
    .select({ id: people.id })
    .from(people)
    .where(and(eq(people.tenantId, ctx.tenantId), sql`${people.id} = any(${sql.param([...ids])}::text[])`))
    .orderBy(asc(people.id))
    .for('update');
  const open = await ctx.db
    .select()
    .from(mandates)
    .where(
      and(
        eq(mandates.tenantId, ctx.tenantId),
        sql`${mandates.principalId} = any(${sql.param([...ids])}::text[])`,
        inArray(mandates.state, ['active', 'frozen']),
      ),
    )
    .orderBy(asc(mandates.id))
    .for('update');
  if (open.length === 0) return { frozen: [], thawed: [] };
  const given = await scopesByPerson(ctx, ids);
  const lacking = await lackingSupport(ctx, open);
  const unsupported = (mandate: Mandate) =>
    missingScopes(mandate.scopes, given.get(mandate.principalId) ?? []);
  const toFreeze = open.filter((one) => !lacking.has(one.id) && unsupported(one).length > 0);
  const toThaw = open.filter((one) => lacking.has(one.id) && unsupported(one).length === 0);
  const frozen = idsOf(toFreeze);
  await freezeMandates(ctx, frozen, AUTHORITY_LOST, actor, (mandate) => {
    const lost = unsupported(mandate);
    return lost.length === 0 ? {} : { scopes_lost: lost };
  });
  return { frozen, thawed: await liftCause(ctx, idsOf(toThaw), AUTHORITY_LOST, actor) };
}

const idsOf = (some: readonly Mandate[]): string[] => some.map(({ id }) => id);

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
    .where(
      and(
        eq(memberships.tenantId, reader.tenantId),
        sql`${memberships.personId} = any(${sql.param([...personIds])}::text[])`,
      ),
    );
  const given = new Map<string, string[]>();
  for (const { personId, scopes } of rows) given.set(personId, [...(given.get(personId) ?? []), ...scopes]);
  return given;
}

/** Those of these mandates that are frozen for want of support. */
async function lackingSupport(reader: TenantReader, open: readonly Mandate[]): Promise<Set<string>> {
  const rows = await reader.db.execute<{ id: string }>(sql`
    select mandate_id as id from mandate_freezes
     where tenant_id = ${reader.tenantId} and cause = ${AUTHORITY_LOST}
       and mandate_id = any(${sql.param(open.map(({ id }) => id))}::text[])`);
  return new Set(rows.map(({ id }) => id));
}
