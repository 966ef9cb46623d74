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

/** The queue for people who do not fit into one transaction. */
export const REEVALUATE_AUTHORITY = 'reevaluate-authority';
/** The number of people in one transaction; they stay locked until it ends. */
const PIECE = 250;

/** The result of `reevaluateAuthority`. */
export interface Reevaluated {
  /** Ids of the mandates that this transaction froze, and of those that are active again. */
  readonly frozen: readonly string[];
  readonly thawed: readonly string[];
  /**
   * The number of people whom jobs handle after the commit. What they lost is refused from the commit on,
   * because authority is derived for each question.
   */
  readonly later: number;
}

/** One part of the work that is left to jobs, as number `part` of `of`. Each part records an entry. */
export interface Piece {
  readonly people: readonly string[];
  readonly actor: string;
  readonly part: number;
  readonly of: number;
}

/**
 * Brings the open mandates of these people in line with what their groups give now. Mandates with a scope
 * that is no longer given are frozen with the cause `authority_lost`. Mandates whose support returned lose
 * that cause and no other. The first people are handled here, the others in parts by jobs. Call it after
 * the change, in the same transaction.
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

/** Handles one part in a job and records it. Repeating it changes nothing more, but is recorded again. */
export async function reevaluatePiece(ctx: TenantWriter, piece: Piece): Promise<void> {
  const { people, actor, part, of } = piece;
  const { frozen, thawed } = await bringInLine(ctx, people, actor);
  ctx.record({
    event: 'authority_reevaluated',
    actor,
    data: { part, of, people: people.length, frozen: frozen.length, thawed: thawed.length },
  });
}

/** Locks the people first, so that no mandate is created from authority that is being removed (law 2). */
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

/** The scopes that each of these people's groups give now. People without any are left out. */
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

/** The mandates that have the cause `authority_lost`. */
async function lackingSupport(reader: TenantReader, open: readonly Mandate[]): Promise<Set<string>> {
  const rows = await reader.db.execute<{ id: string }>(sql`
    select mandate_id as id from mandate_freezes
     where tenant_id = ${reader.tenantId} and cause = ${AUTHORITY_LOST}
       and mandate_id = any(${sql.param(open.map(({ id }) => id))}::text[])`);
  return new Set(rows.map(({ id }) => id));
}
