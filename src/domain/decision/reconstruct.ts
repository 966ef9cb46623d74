import { and, eq, sql } from 'drizzle-orm';
import type { TenantReader } from '../context.ts';
import type { Whom } from './candidates.ts';
import type { MandateFacts, PersonFacts, PolicyFacts } from './facts.ts';
import { mappingList } from '../group/mappings.ts';
import { groups, memberships } from '../group/tables.ts';
import { findLedger, lastEntries, type LedgerFilter } from '../ledger/find.ts';
import { policyVersionsOf } from '../policy/store.ts';
import { sha256 } from '#lib/crypto.ts';
import { Fault } from '#lib/fault.ts';

/** A tenant at a past time, as far as the ledger shows it. */
export interface Past {
  readonly at: Date;
  /** The last ledger entry that was taken into account. */
  readonly fromSeq: number;
  readonly policy: PolicyFacts;
  /** The ids of the people who had all that one of these asks for. */
  idsOf(whom: readonly Whom[]): string[];
  /** Sets people back to the roles, scopes and standing that they had then. One or two statements for all. */
  people(now: readonly PersonFacts[]): Promise<PersonFacts[]>;
  /**
   * Sets mandates back to the state that they had then. Their uses count as unspent. One statement for all.
   */
  mandates(now: readonly MandateFacts[]): Promise<MandateFacts[]>;
}

/** What a reconstruction reads from the ledger. Shown in the answer. */
export const FROM_LEDGER = [
  "which groups gave which roles and scopes, and these groups' members",
  'which people were active',
  'which mandates were in force, and why they were frozen',
  'which policies were in force',
] as const;
/** What a reconstruction takes from today's data. Shown in the answer. */
export const AS_TODAY = [
  'managers, and the owners, ceilings and status of agents',
  'the original terms of mandates that were narrowed since, and how often each had been used',
  'the status of the organisation, and roles at the identity provider',
] as const;

const MAX_ENTRIES = 50_000;

/**
 * Reconstructs a past time from the ledger. Mappings and members are computed backwards from today, so it
 * costs what has changed since. The standing of people and the state of mandates come from the last entry of
 * each, so it costs those that are asked for. Throws Fault `invalid_input` for a future time, a time before
 * the ledger begins, or one since when mappings and members have changed more than 50,000 times.
 */
export async function reconstruct(reader: TenantReader, at: Date): Promise<Past> {
  const [first] = await findLedger(reader, { to: justAfter(at) }, { ...NEWEST, limit: 1 });
  if (at > reader.now || first === undefined)
    throw new Fault('invalid_input', 'Choose a time between the start of the ledger and now.', {
      detail: { problems: [{ field: 'at', problem: 'not in the ledger' }] },
    });
  const authority = await authorityThen(reader, at);
  const [version] = await policyVersionsOf(reader, 1, at);
  const digest = version === undefined || version.text === '' ? null : sha256(version.text);
  return {
    at,
    fromSeq: first.seq,
    policy: { version: version?.version ?? 0, digest, singleAdmin: false },
    idsOf: (whom) =>
      [...authority].flatMap(([id, { roles, scopes }]) => {
        const fits = whom.some(
          (one) =>
            (one.ids === null || one.ids.includes(id)) &&
            one.roles.every((role) => roles.has(role)) &&
            one.scopes.every((scope) => scopes.has(scope)),
        );
        return fits ? [id] : [];
      }),
    people: async (people) => {
      const standing = await standingThen(
        reader,
        at,
        people.map(({ id }) => id),
      );
      return people.map((now) => {
        const had = authority.get(now.id);
        const stood = standing.get(now.id);
        return {
          ...now,
          roles: [...(had?.roles ?? [])].sort(),
          scopes: [...(had?.scopes ?? [])].sort(),
          ...(stood === undefined
            ? {}
            : { status: stood ? 'ACTIVE' : 'SUSPENDED', scimActive: null, held: false }),
        };
      });
    },
    mandates: async (mandates) => {
      const ids = [...new Set(mandates.map(({ id }) => id))];
      const last = await lastEntries(reader, 'mandate_id', ids, MANDATE_STATES, justAfter(at));
      return mandates.map((now) => ({ ...now, state: stateAfter(last.get(now.id)?.event), uses: 0 }));
    },
  };
}

const NEWEST = { cursor: null, order: 'newest' } as const;

/** Entries carry milliseconds. */
const justAfter = (at: Date): Date => new Date(at.getTime() + 1);

interface Entry {
  readonly seq: number;
  readonly event: string;
  readonly data: Record<string, unknown>;
}

/** Every entry of these events after a moment, newest first. */
async function entriesSince(
  reader: TenantReader,
  events: LedgerFilter['events'],
  at: Date,
): Promise<Entry[]> {
  const rows = await findLedger(
    reader,
    { events, from: justAfter(at) },
    { ...NEWEST, limit: MAX_ENTRIES + 1 },
  );
  if (rows.length > MAX_ENTRIES)
    throw new Fault(
      'invalid_input',
      'Groups and what they give have changed too often since then. Choose a later time, or use an export.',
      {
        detail: { problems: [{ field: 'at', problem: 'too long ago' }] },
      },
    );
  return rows;
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const list = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);

/** Roles and scopes by person, computed backwards from today's mappings and members. */
async function authorityThen(
  reader: TenantReader,
  at: Date,
): Promise<Map<string, { roles: Set<string>; scopes: Set<string> }>> {
  const known = await reader.db.select().from(groups).where(eq(groups.tenantId, reader.tenantId));
  const idOf = new Map(known.map((group) => [`${group.source} ${group.uid}`, group.id]));
  const mapped = new Map<string, { groupId: string; role: string; scopes: readonly string[] }>();
  for (const { mapping, group } of await mappingList(reader)) {
    const key = `${mapping.source} ${mapping.groupUid} ${mapping.role}`;
    if (group !== null) mapped.set(key, { groupId: group.id, role: mapping.role, scopes: mapping.scopes });
  }
  const since = await entriesSince(reader, ['authority_changed', 'administrator_named'], at);
  const members = new Map<string, Set<string>>();
  // Only groups that give something today, or gave it then.
  const giving = [
    idOf.get('prokura administrators') ?? '',
    ...[...mapped.values()].map(({ groupId }) => groupId),
    ...since.map(
      ({ data }) => idOf.get(`${text(data['source'])} ${text(data['group'])}`) ?? text(data['group']),
    ),
  ];
  const rows = await reader.db
    .select({ groupId: memberships.groupId, personId: memberships.personId })
    .from(memberships)
    .where(
      and(
        eq(memberships.tenantId, reader.tenantId),
        sql`${memberships.groupId} = any(${sql.param([...new Set(giving)])}::text[])`,
      ),
    );
  const of = (groupId: string) => {
    const there = members.get(groupId) ?? new Set<string>();
    members.set(groupId, there);
    return there;
  };
  for (const { groupId, personId } of rows) of(groupId).add(personId);

  for (const { event, data } of since) {
    if (event === 'administrator_named') {
      of(idOf.get('prokura administrators') ?? '').delete(String(data['person']));
    } else if (data['source'] === undefined) {
      const there = of(String(data['group']));
      for (const person of list(data['added'])) there.delete(person);
      for (const person of list(data['removed'])) there.add(person);
    } else {
      const [source, uid, role] = [text(data['source']), text(data['group']), text(data['role'])];
      const groupId = idOf.get(`${source} ${uid}`) ?? '';
      // Members were not recorded while a group was not mapped, but they were when the mapping ended, in
      // one or more entries. In this order, the last part comes first.
      if (data['change'] === 'unmapped') {
        if (data['part'] === data['parts']) members.set(groupId, new Set());
        for (const person of list(data['members'])) of(groupId).add(person);
      }
      const key = `${source} ${uid} ${role}`;
      if (Array.isArray(data['before'])) mapped.set(key, { groupId, role, scopes: list(data['before']) });
      else mapped.delete(key);
    }
  }

  const authority = new Map<string, { roles: Set<string>; scopes: Set<string> }>();
  for (const { groupId, role, scopes } of mapped.values()) {
    for (const person of of(groupId)) {
      const has = authority.get(person) ?? { roles: new Set(), scopes: new Set() };
      has.roles.add(role);
      for (const scope of scopes) has.scopes.add(scope);
      authority.set(person, has);
    }
  }
  return authority;
}

const STANDING = ['user_provisioned', 'user_deactivated', 'user_reactivated', 'user_suspended'] as const;

/** Whether people could act then, by id: only those whose standing has changed since. Others are as today. */
async function standingThen(
  reader: TenantReader,
  at: Date,
  ids: readonly string[],
): Promise<Map<string, boolean>> {
  const newest = await lastEntries(reader, 'person', ids, STANDING, null);
  const changed = ids.filter((id) => (newest.get(id)?.at ?? at) > at);
  const last = await lastEntries(reader, 'person', changed, STANDING, justAfter(at));
  return new Map(
    changed.map((id) => {
      const { event, data } = last.get(id) ?? {};
      const gone = event === 'user_deactivated' || event === 'user_suspended' || data?.['active'] === false;
      return [id, !gone];
    }),
  );
}

const MANDATE_STATES = ['MANDATE_FROZEN', 'MANDATE_THAWED', 'MANDATE_REVOKED', 'MANDATE_EXPIRED'] as const;

/**
 * The state of a mandate whose last entry is this. A thaw is recorded when the last cause is lifted, so
 * nothing that came before it counts any more.
 */
function stateAfter(event: string | undefined): MandateFacts['state'] {
  if (event === 'MANDATE_REVOKED' || event === 'MANDATE_EXPIRED') return 'revoked';
  return event === 'MANDATE_FROZEN' ? 'frozen' : 'active';
}
