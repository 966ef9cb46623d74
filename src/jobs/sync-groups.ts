import { changeMembers, groupNow, groupsNotListed, memberChanges, saveGroups } from '#domain/group/import.ts';
import type { MemberChanges, SavedGroup } from '#domain/group/import.ts';
import { savePeople } from '#domain/person/import.ts';
import { readonly, transact } from '#engine/transact.ts';
import { asFault, Fault } from '#lib/fault.ts';
import type { SyncRun } from './sync-directory.ts';
import { noteUnread } from './sync-report.ts';

// How often to read a group whose members others remove each time while the provider answers.
const MOST_READS = 3;
// After this many groups in a row without an answer, the provider counts as down.
const MOST_SILENT = 5;
// The most members per run that are read by id because the list of people did not contain them.
const MOST_UNLISTED = 500;

/**
 * Reads every group with its members. A group that cannot be read (refused, no valid id, no answer) stays
 * unchanged, so its authority does not grow; it is reported and does not stop the others. A group that is
 * missing from the list is read by id, and only a 404 ends its memberships.
 *
 * Throws `rate_limited`, what the list itself throws, and `unavailable` after several groups in a row without
 * an answer.
 */
export async function syncGroups(run: SyncRun): Promise<void> {
  const { app, tenantId, link, report } = run;
  const listed: string[] = [];
  const state: Reading = { silent: 0, unlisted: new Set(), budget: MOST_UNLISTED };
  for await (const page of link.directory.groups()) {
    const saved = await transact(app, tenantId, (ctx) => saveGroups(ctx, link.vendor, page));
    report.groups += page.length;
    for (const group of saved) {
      listed.push(group.uid);
      await syncMembers(run, group, state);
    }
  }
  const others = await readonly(app, tenantId, (reader) => groupsNotListed(reader, link.vendor, listed));
  for (const group of others) await syncMembers(run, group, state);
  if (state.unlisted.size > 0)
    report.missing['people'] =
      `Groups have ${state.unlisted.size} members that the list of people did not contain. The next syncs will read them.`;
}

interface Reading {
  /** How many groups in a row gave no answer. */
  silent: number;
  /** Members who were neither in the list of people nor read by id. */
  readonly unlisted: Set<string>;
  budget: number;
}

async function syncMembers(run: SyncRun, listed: SavedGroup, state: Reading): Promise<void> {
  const { app, tenantId, link, report } = run;
  let group = listed;
  for (let reads = 0; reads < MOST_READS; reads += 1) {
    const uids = await attempt(run, group, state, () => membersOf(run, group));
    if (uids === null) return;
    const compared = () =>
      readonly(app, tenantId, (reader) => memberChanges(reader, link.vendor, group.id, uids));
    let changes = await compared();
    if (changes.unknown.length > 0) {
      const { unknown } = changes;
      await attempt(run, group, state, () => readUnlisted(run, unknown, state));
      changes = await compared();
    }
    if (await save(run, group, changes)) {
      report.memberships += uids.length - changes.unknown.length;
      return;
    }
    group = (await readonly(app, tenantId, (reader) => groupNow(reader, group.id))) ?? group;
  }
}

/** The provider's answer about a group. Null if the group cannot be read; then the report says so. */
async function attempt<T>(
  { report }: SyncRun,
  group: SavedGroup,
  state: Reading,
  work: () => Promise<T>,
): Promise<T | null> {
  try {
    const answer = await work();
    state.silent = 0;
    return answer;
  } catch (error) {
    const fault = asFault(error);
    if (fault.code === 'internal' || fault.code === 'rate_limited') throw error;
    if (fault.detail['reason'] === 'database_unavailable') throw error;
    if (fault.code === 'unavailable' && (state.silent += 1) >= MOST_SILENT) throw error;
    noteUnread(report, `group ${group.name.slice(0, 80)} (${group.uid.slice(0, 40)})`, fault);
    return null;
  }
}

/** The ids of the members. Empty if the provider proves that the group is gone. */
async function membersOf({ link, report }: SyncRun, group: SavedGroup): Promise<string[]> {
  try {
    const uids: string[] = [];
    for await (const page of link.directory.members(group.uid)) uids.push(...page);
    return uids;
  } catch (error) {
    if (!isNotFound(error)) throw error;
    // The member list may fail for another reason. Only a 404 for the group itself, by id, ends authority.
    await link.directory.group(group.uid).then(
      () => {
        throw error;
      },
      (again: unknown) => {
        if (!isNotFound(again)) throw again;
      },
    );
    report.vanished += 1;
    return [];
  }
}

const isNotFound = (error: unknown): boolean => error instanceof Fault && error.code === 'not_found';

/**
 * Reads members by id that the list of people did not contain: it lags by seconds and is limited in length.
 */
async function readUnlisted(
  { app, tenantId, link, report, actor }: SyncRun,
  unknown: readonly string[],
  state: Reading,
): Promise<void> {
  for (const uid of unknown) state.unlisted.add(uid);
  for (const uid of unknown.slice(0, state.budget)) {
    state.budget -= 1;
    const askedAt = app.now();
    const person = await link.directory.person(uid).catch((error: unknown) => {
      if (isNotFound(error)) return null;
      throw error;
    });
    state.unlisted.delete(uid);
    if (person === null) continue;
    const { added } = await transact(app, tenantId, (ctx) =>
      savePeople(ctx, [person], { vendor: link.vendor, askedAt, actor }),
    );
    report.people += 1;
    report.added += added;
  }
}

/**
 * Saves the changes in short transactions, removals first. False if somebody was removed after the list was
 * read; then the group must be read again.
 */
async function save(
  { app, tenantId, actor }: SyncRun,
  group: SavedGroup,
  { removed, added }: MemberChanges,
): Promise<boolean> {
  let { removals } = group;
  const steps = [
    ...pieces(removed).map((piece) => ({ removed: piece, added: [] })),
    ...pieces(added).map((piece) => ({ removed: [], added: piece })),
  ];
  for (const step of steps) {
    const saved = await transact(app, tenantId, (ctx) =>
      changeMembers(ctx, { id: group.id, removals }, step, actor),
    );
    if (saved.outdated && step.added.length > 0) return false;
    ({ removals } = saved);
  }
  return true;
}

// The most members that one transaction adds or removes.
const PIECE = 1000;

const pieces = (ids: readonly string[]): string[][] =>
  Array.from({ length: Math.ceil(ids.length / PIECE) }, (_, nth) =>
    ids.slice(nth * PIECE, (nth + 1) * PIECE),
  );
