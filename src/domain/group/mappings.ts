import { and, asc, eq, inArray, sql } from 'drizzle-orm';
import { Fault } from '#lib/fault.ts';
import { newId } from '#lib/id.ts';
import type { TenantReader, TenantWriter } from '../context.ts';
import { APPROVERS_CHANGED } from '../events.ts';
import { memberIds, peopleOfGroup, peopleOfRole } from './authority.ts';
import { standingOf } from '../person/standing.ts';
import { requireHolders, requireKnownScopes } from '../scope/rules.ts';
import { missingScopes } from '../mandate/rules.ts';
import { mandates } from '../mandate/tables.ts';
import { reevaluateAuthority, scopesByPerson, type Reevaluated } from './reevaluate.ts';
import { groupMappings, groups } from './tables.ts';

/** What a group gives. The group is named by its source and immutable id, never by its name. */
export interface Mapping {
  readonly source: string;
  readonly groupUid: string;
  readonly role: string;
  readonly scopes: readonly string[];
}

/** A row of `group_mappings`. */
export type GroupMapping = typeof groupMappings.$inferSelect;
type Group = typeof groups.$inferSelect;

/**
 * All mappings with their groups, ordered by source and group. `group` is null if the directory does not list
 * it (yet, or any more).
 */
export async function mappingList(
  reader: TenantReader,
): Promise<{ readonly mapping: GroupMapping; readonly group: Group | null }[]> {
  return reader.db
    .select({ mapping: groupMappings, group: groups })
    .from(groupMappings)
    .leftJoin(
      groups,
      and(
        eq(groups.tenantId, groupMappings.tenantId),
        eq(groups.source, groupMappings.source),
        eq(groups.uid, groupMappings.groupUid),
      ),
    )
    .where(eq(groupMappings.tenantId, reader.tenantId))
    .orderBy(asc(groupMappings.source), asc(groupMappings.groupUid), asc(groupMappings.role));
}

/** What a change of a mapping does to people and to open mandates. */
export interface MappingEffect {
  readonly group: Group;
  /** The mapping before the change, or null. */
  readonly before: GroupMapping | null;
  readonly people: readonly {
    readonly id: string;
    readonly name: string;
    readonly gains: readonly string[];
    readonly loses: readonly string[];
  }[];
  readonly mandates: readonly {
    readonly id: string;
    readonly principalId: string;
    readonly loses: readonly string[];
  }[];
}

/**
 * What a change would do, without changing anything. `scopes` null removes the mapping. Throws Fault
 * `not_found` for a group that the source does not list or a mapping that does not exist, `invalid_input` for
 * unknown scopes, `forbidden` for scopes that the role may not hold, and `conflict` if nobody would remain to
 * administer.
 */
export async function mappingEffect(
  reader: TenantReader,
  change: Omit<Mapping, 'scopes'> & { scopes: readonly string[] | null },
): Promise<MappingEffect> {
  const { source, groupUid, role, scopes } = change;
  if (scopes !== null) requireHolders(await requireKnownScopes(reader, scopes), [role]);
  const group = await groupOf(reader, source, groupUid);
  const before = await mappingOf(reader, change);
  if (scopes === null && before === null)
    throw new Fault(
      'not_found',
      `${group.name} is not mapped to ${role}. Use group_mapping_list to see all mappings.`,
      {
        field: 'role',
      },
    );
  const members = await peopleOfGroup(reader, group.id);
  const given = await withoutMapping(reader, members, before);
  const affected = members.map((person) => {
    const others = given.get(person.id) ?? [];
    const was = new Set([...others, ...(before?.scopes ?? [])]);
    const will = new Set([...others, ...(scopes ?? [])]);
    return {
      id: person.id,
      name: person.displayName,
      gains: missingScopes([...will], [...was]).sort(),
      loses: missingScopes([...was], [...will]).sort(),
    };
  });
  if (scopes === null && role === 'it_admin')
    await requireAnotherAdmin(
      reader,
      members.map((person) => person.id),
    );
  const changed = affected.filter(({ gains, loses }) => gains.length + loses.length > 0);
  return {
    group,
    before,
    people: changed.sort((a, b) => (a.name < b.name ? -1 : 1)),
    mandates: await unsupported(reader, changed),
  };
}

/**
 * The number of members in one ledger entry. A larger group gets several entries, which differ only in
 * `members` and `part`.
 */
const NOTED = 500;

/**
 * Adds, changes or removes a mapping, and freezes or thaws the mandates that depend on it, in the caller's
 * transaction. Does not make the checks of `mappingEffect` except that the group exists.
 */
export async function changeMapping(
  ctx: TenantWriter,
  change: Omit<Mapping, 'scopes'> & { scopes: readonly string[] | null },
  by: { actor: string; callId: string },
): Promise<Reevaluated> {
  const { source, groupUid, role, scopes } = change;
  const group = await groupOf(ctx, source, groupUid);
  const before = await mappingOf(ctx, change);
  if (scopes === null) {
    await ctx.db.delete(groupMappings).where(same(ctx, change));
  } else {
    const sorted = [...new Set(scopes)].sort();
    await ctx.db
      .insert(groupMappings)
      .values({ tenantId: ctx.tenantId, id: newId('map'), source, groupUid, role, scopes: sorted })
      .onConflictDoUpdate({
        target: [groupMappings.tenantId, groupMappings.source, groupMappings.groupUid, groupMappings.role],
        set: { scopes: sorted },
      });
  }
  const members = await memberIds(ctx, group.id);
  const parts = Math.max(1, Math.ceil(members.length / NOTED));
  for (let part = 1; part <= parts; part += 1)
    ctx.record({
      event: 'authority_changed',
      actor: by.actor,
      data: {
        change: scopes === null ? 'unmapped' : 'mapped',
        source,
        group: groupUid,
        group_id: group.id,
        role,
        scopes: [...new Set(scopes ?? [])].sort(),
        before: before?.scopes ?? null,
        members: members.slice((part - 1) * NOTED, part * NOTED),
        part,
        parts,
        call_id: by.callId,
      },
    });
  ctx.emit(APPROVERS_CHANGED);
  return reevaluateAuthority(ctx, members, by.actor);
}

async function groupOf(reader: TenantReader, source: string, uid: string): Promise<Group> {
  const [group] = await reader.db
    .select()
    .from(groups)
    .where(and(eq(groups.tenantId, reader.tenantId), eq(groups.source, source), eq(groups.uid, uid)));
  if (group === undefined)
    throw new Fault(
      'not_found',
      `${source} has not reported a group with the ID ${uid.slice(0, 80)}. Use the immutable ID, not the name; new groups appear after the next sync.`,
      { field: 'group' },
    );
  return group;
}

const same = (reader: TenantReader, { source, groupUid, role }: Omit<Mapping, 'scopes'>) =>
  and(
    eq(groupMappings.tenantId, reader.tenantId),
    eq(groupMappings.source, source),
    eq(groupMappings.groupUid, groupUid),
    eq(groupMappings.role, role),
  );

async function mappingOf(
  reader: TenantReader,
  mapping: Omit<Mapping, 'scopes'>,
): Promise<GroupMapping | null> {
  const [row] = await reader.db.select().from(groupMappings).where(same(reader, mapping));
  return row ?? null;
}

/** The scopes that these people would have without this one mapping. */
async function withoutMapping(
  reader: TenantReader,
  members: readonly { id: string }[],
  mapping: GroupMapping | null,
): Promise<ReadonlyMap<string, readonly string[]>> {
  if (members.length === 0) return new Map();
  const given = await scopesByPerson(
    reader,
    members.map((person) => person.id),
  );
  if (mapping === null) return given;
  // The mapping gives each of these people its scopes exactly once. The same scopes from other groups stay.
  return new Map(
    [...given].map(([person, scopes]) => {
      const left = [...scopes];
      for (const scope of mapping.scopes) left.splice(left.indexOf(scope), left.includes(scope) ? 1 : 0);
      return [person, left];
    }),
  );
}

async function unsupported(
  reader: TenantReader,
  changed: readonly { id: string; loses: readonly string[] }[],
): Promise<{ id: string; principalId: string; loses: string[] }[]> {
  const losing = new Map(changed.filter(({ loses }) => loses.length > 0).map((one) => [one.id, one.loses]));
  if (losing.size === 0) return [];
  const open = await reader.db
    .select({ id: mandates.id, principalId: mandates.principalId, scopes: mandates.scopes })
    .from(mandates)
    .where(
      and(
        eq(mandates.tenantId, reader.tenantId),
        sql`${mandates.principalId} = any(${sql.param([...losing.keys()])}::text[])`,
        inArray(mandates.state, ['active', 'frozen']),
      ),
    )
    .orderBy(asc(mandates.id));
  return open.flatMap(({ id, principalId, scopes }) => {
    const loses = scopes.filter((scope) => losing.get(principalId)?.includes(scope) === true);
    return loses.length === 0 ? [] : [{ id, principalId, loses }];
  });
}

/**
 * Refuses a change that would leave nobody to undo it. People in `leaving` do not count, even if another
 * group also makes them IT admins.
 */
async function requireAnotherAdmin(reader: TenantReader, leaving: readonly string[]): Promise<void> {
  const gone = new Set(leaving);
  const others = (await peopleOfRole(reader, 'it_admin')).filter(
    (person) => standingOf(person) === null && !gone.has(person.id),
  );
  if (others.length === 0)
    throw new Fault(
      'conflict',
      'This would leave no IT admin, so nobody could undo it. Map another group to it_admin first.',
    );
}
