import { z } from 'zod';
import { savePeople } from '#domain/person/import.ts';
import { findManagers, saveManagers } from '#domain/person/managers.ts';
import { notReadSince } from '#domain/person/store.ts';
import type { App } from '#engine/app.ts';
import { defineJob } from '#engine/job.ts';
import { readPerson } from '#engine/read-person.ts';
import { SYNC_DIRECTORY } from '#engine/set-up.ts';
import { readonly, transact } from '#engine/transact.ts';
import { asFault } from '#lib/fault.ts';
import { syncGroups } from './directory/groups.ts';
import { saveOutcome, syncGivenUp } from './directory/outcome.ts';
import {
  ambiguousManagers,
  emptyReport,
  noteUnread,
  type SyncReport,
  type SyncRun,
} from './directory/report.ts';

// How many managers one transaction changes.
const PIECE = 1000;

export default defineJob({
  queue: SYNC_DIRECTORY,
  data: z.object({}),
  concurrency: 1,
  retryLimit: 3,
  retryDelaySeconds: 60,
  givenUp: (app, tenantId, _data, error) => syncGivenUp(app, tenantId, error),
  run: (app, tenantId) => syncDirectory(app, tenantId),
});

/**
 * Reads the whole directory and updates our rows to match, in pieces with short transactions. Lists only
 * tighten: a person who would be allowed more than before, or who is not in the list, is read by id (law 8).
 * What the provider refuses to show stays unchanged, is reported as missing, and does not stop the rest. May
 * run twice, also at the same time.
 *
 * Throws `rate_limited`, and faults that may be temporary (`unavailable`), after it has done what it could;
 * the job then runs again as a whole.
 */
export async function syncDirectory(app: App, tenantId: string): Promise<SyncReport> {
  const link = await app.provider(tenantId);
  const actor = `${link.vendor}:sync`;
  const run: SyncRun = { app, tenantId, link, actor, begun: app.now(), report: emptyReport() };
  const { report } = run;
  const failures = [
    await runPart(report, 'people', () => syncPeople(run)),
    await runPart(report, 'groups', () => syncGroups(run)),
  ];
  for (const failure of failures) if (failure !== null) throw failure;
  await saveOutcome(run);
  return report;
}

/**
 * Runs one part and returns a fault that may be temporary, or null. A refusal would be repeated, so it goes
 * into the report.
 */
async function runPart(report: SyncReport, name: string, work: () => Promise<void>): Promise<Error | null> {
  try {
    await work();
  } catch (error) {
    const fault = asFault(error);
    if (fault.code !== 'forbidden') return fault;
    report.missing[name] = fault.message;
  }
  return null;
}

async function syncPeople(run: SyncRun): Promise<void> {
  const { app, tenantId, link, actor, report } = run;
  let askedAt = app.now();
  for await (const page of link.directory.people()) {
    const read = { vendor: link.vendor, askedAt, actor };
    const saved = await transact(app, tenantId, (ctx) => savePeople(ctx, page, read));
    report.people += page.length;
    report.added += saved.added;
    report.changed += saved.changed;
    for (const id of saved.loosening) await readAgain(run, id);
    askedAt = app.now();
  }
  await readUnlisted(run);
  await linkManagers(run);
}

/** Reads the people that the list did not contain, one by one. */
async function readUnlisted(run: SyncRun): Promise<void> {
  const { app, tenantId, link, begun } = run;
  for (let after = ''; ;) {
    const rows = await readonly(app, tenantId, (reader) =>
      notReadSince(reader, link.vendor, begun, after, 100),
    );
    if (rows.length === 0) return;
    for (const { id } of rows) {
      await readAgain(run, id);
      after = id;
    }
  }
}

async function readAgain({ app, tenantId, link, actor, report }: SyncRun, id: string): Promise<void> {
  try {
    const found = await readPerson(app, tenantId, link, id, actor);
    if (found === 'missing') report.vanished += 1;
    if (found === 'saved') report.changed += 1;
  } catch (error) {
    const fault = asFault(error);
    if (fault.code !== 'forbidden' && fault.code !== 'invalid_input') throw error;
    noteUnread(report, `person ${id}`, fault);
  }
}

async function linkManagers({ app, tenantId, link, report }: SyncRun): Promise<void> {
  const { changes, ambiguous } = await readonly(app, tenantId, (reader) => findManagers(reader, link.vendor));
  report.ambiguous_managers = ambiguousManagers(ambiguous);
  for (let at = 0; at < changes.length; at += PIECE)
    await transact(app, tenantId, (ctx) => saveManagers(ctx, changes.slice(at, at + PIECE)));
}
