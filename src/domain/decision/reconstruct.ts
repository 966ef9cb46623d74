import { and, asc, desc, eq, gt, inArray, lte } from 'drizzle-orm';
import type { TenantReader } from '../context.ts';
import type { MandateFacts, PersonFacts, PolicyFacts } from './facts.ts';
import { mappingList } from '../group/mappings.ts';
import { groups, memberships } from '../group/tables.ts';
import { ledger } from '../ledger/tables.ts';
import { policyVersionsOf } from '../policy/store.ts';
import { sha256 } from '#lib/crypto.ts';
import { Fault } from '#lib/fault.ts';

/** A tenant at a past time, as far as the ledger shows it. */
export interface Past {
  readonly at: Date;
  /** The last ledger entry that was taken into account. */
  readonly fromSeq: number;
  readonly policy: PolicyFacts;
  /** The person with the roles, scopes and standing that they had then. */
  person(now: PersonFacts): PersonFacts;
  /** The mandate with the state that it had then. Its uses count as unspent. */
  mandate(now: MandateFacts): MandateFacts;
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
 * Reconstructs a past time from the ledger. Mappings and members are computed backwards from today; the
 * standing of people and the freezes of mandates come from their entries up to `at`. Throws Fault
 * `invalid_input` for a future time, a time before the ledger begins, or one for which more than 50,000
 * entries would have to be read.
 */
export async function reconstruct(reader: TenantReader, at: Date): Promise<Past> {
  const [first] = await entries(reader, { until: at, newest: true, limit: 1 });
  if (at > reader.now || first === undefined)
    throw new Fault('invalid_input', 'Choose a time between the start of the ledger and now.', {
      detail: { problems: [{ field: 'at', problem: 'not in the ledger' }] },
    });
  const authority = await authorityThen(reader, at);
  const { gone, touched } = await standingThen(reader, at);
  const frozen = await frozenThen(reader, at);
  const ended = await endedThen(reader, at);
  const [version] = await policyVersionsOf(reader, 1, at);
  const digest = version === undefined || version.text === '' ? null : sha256(version.text);
  return {
    at,
    fromSeq: first.seq,
    policy: { version: version?.version ?? 0, digest, singleAdmin: false },
    person: (now) => ({
      ...now,
      ...authority(now.id),
      ...(touched.has(now.id)
        ? { status: gone.has(now.id) ? 'SUSPENDED' : 'ACTIVE', scimActive: null, held: false }
        : {}),
    }),
    mandate: (now) => ({
      ...now,
      state: ended.has(now.id) ? 'revoked' : frozen.has(now.id) ? 'frozen' : 'active',
      uses: 0,
    }),
  };
}

interface Entry {
  readonly seq: number;
  readonly event: string;
  readonly data: Record<string, unknown>;
}

async function entries(
  reader: TenantReader,
  which: { events?: readonly string[]; after?: Date; until?: Date; newest: boolean; limit?: number },
): Promise<Entry[]> {
  const rows = await reader.db
    .select({ seq: ledger.seq, event: ledger.event, data: ledger.data })
    .from(ledger)
    .where(
      and(
        eq(ledger.tenantId, reader.tenantId),
        which.events === undefined ? undefined : inArray(ledger.event, [...which.events]),
        which.after === undefined ? undefined : gt(ledger.at, which.after),
        which.until === undefined ? undefined : lte(ledger.at, which.until),
      ),
    )
    .orderBy(which.newest ? desc(ledger.seq) : asc(ledger.seq))
    .limit(which.limit ?? MAX_ENTRIES + 1);
  if (rows.length > MAX_ENTRIES)
    throw new Fault(
      'invalid_input',
      'Too much has changed since then. Choose a later time, or use an export.',
      {
        detail: { problems: [{ field: 'at', problem: 'too long ago' }] },
      },
    );
  return rows;
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const list = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);

/** Roles and scopes by person, computed backwards from today's mappings and members. */
async function authorityThen(reader: TenantReader, at: Date) {
  const known = await reader.db.select().from(groups).where(eq(groups.tenantId, reader.tenantId));
  const idOf = new Map(known.map((group) => [`${group.source} ${group.uid}`, group.id]));
  const mapped = new Map<string, { groupId: string; role: string; scopes: readonly string[] }>();
  for (const { mapping, group } of await mappingList(reader)) {
    const key = `${mapping.source} ${mapping.groupUid} ${mapping.role}`;
    if (group !== null) mapped.set(key, { groupId: group.id, role: mapping.role, scopes: mapping.scopes });
  }
  const members = new Map<string, Set<string>>();
  const rows = await reader.db
    .select({ groupId: memberships.groupId, personId: memberships.personId })
    .from(memberships)
    .where(eq(memberships.tenantId, reader.tenantId));
  const of = (groupId: string) => {
    const there = members.get(groupId) ?? new Set<string>();
    members.set(groupId, there);
    return there;
  };
  for (const { groupId, personId } of rows) of(groupId).add(personId);

  const since = await entries(reader, {
    events: ['authority_changed', 'administrator_named'],
    after: at,
    newest: true,
  });
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
  return (personId: string) => {
    const has = authority.get(personId);
    return { roles: [...(has?.roles ?? [])].sort(), scopes: [...(has?.scopes ?? [])].sort() };
  };
}

const STANDING = ['user_provisioned', 'user_deactivated', 'user_reactivated', 'user_suspended'] as const;

/**
 * `touched`: people whose standing changed since. `gone`: those of them who could not act then. All others
 * are as today.
 */
async function standingThen(reader: TenantReader, at: Date) {
  const since = await entries(reader, { events: STANDING, after: at, newest: false });
  const touched = new Set(since.map(({ data }) => String(data['person'])));
  const gone = new Set<string>();
  if (touched.size > 0) {
    for (const { event, data } of await entries(reader, { events: STANDING, until: at, newest: false })) {
      const person = String(data['person']);
      if (event === 'user_deactivated' || event === 'user_suspended' || data['active'] === false)
        gone.add(person);
      else gone.delete(person);
    }
  }
  return { touched, gone };
}

async function frozenThen(reader: TenantReader, at: Date): Promise<Set<string>> {
  const causes = new Map<string, Set<string>>();
  const events = ['MANDATE_FROZEN', 'MANDATE_THAWED'];
  for (const { event, data } of await entries(reader, { events, until: at, newest: false })) {
    const id = String(data['mandate_id']);
    const mine = causes.get(id) ?? new Set();
    causes.set(id, mine);
    if (event === 'MANDATE_FROZEN') mine.add(String(data['cause']));
    // A thaw is recorded when the last cause is lifted, so all earlier causes are gone.
    else mine.clear();
  }
  return new Set([...causes].flatMap(([id, mine]) => (mine.size > 0 ? [id] : [])));
}

async function endedThen(reader: TenantReader, at: Date): Promise<Set<string>> {
  const events = ['MANDATE_REVOKED', 'MANDATE_EXPIRED'];
  const rows = await entries(reader, { events, until: at, newest: false });
  return new Set(rows.map(({ data }) => String(data['mandate_id'])));
}
