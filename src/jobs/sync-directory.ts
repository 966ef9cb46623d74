import { ownerLeft } from '#domain/agent/succession.ts';
import { saveGroups, saveMembers } from '#domain/group/import.ts';
import { freezeMandatesOf } from '#domain/mandate/revoke.ts';
import { linkManagers, MISSING, savePeople } from '#domain/person/import.ts';
import { findPerson, notReadSince, tightenPerson } from '#domain/person/store.ts';
import type { ProviderLink } from '#domain/provider.ts';
import { noteSync } from '#domain/tenant/connection.ts';
import type { App } from '#engine/app.ts';
import { readonly, transact } from '#engine/transact.ts';
import { asFault, Fault } from '#lib/fault.ts';

/** What one run saw; `missing` names the parts that the provider refused, and why. */
export interface SyncReport {
  people: number;
  added: number;
  changed: number;
  groups: number;
  memberships: number;
  vanished: number;
  missing: Record<string, string>;
}

/**
 * Reads the whole directory and makes our rows say the same (requirements K7, thin: no delta, no hook). A part that the provider
 * refuses does not stop the rest and stands in the report as missing coverage. An empty list deletes nobody: people who were not
 * listed are read by id, and only a proven 404 freezes what they gave (law 8). May run twice, and beside itself.
 */
export async function syncDirectory(app: App, tenantId: string): Promise<SyncReport> {
  const link = await app.provider(tenantId);
  const actor = `${link.vendor}:sync`;
  const begun = app.now();
  const report: SyncReport = {
    people: 0,
    added: 0,
    changed: 0,
    groups: 0,
    memberships: 0,
    vanished: 0,
    missing: {},
  };
  await part(report, 'people', async () => {
    for await (const page of link.directory.people()) {
      const { added, changed } = await transact(app, tenantId, (ctx) =>
        savePeople(ctx, link.vendor, page, actor),
      );
      report.people += page.length;
      report.added += added;
      report.changed += changed;
    }
    await transact(app, tenantId, (ctx) => linkManagers(ctx, link.vendor));
    report.vanished = await lookForMissing(app, tenantId, link, begun, actor);
  });
  await part(report, 'groups', () => syncGroups(app, tenantId, link, report, actor));
  const failed = Object.keys(report.missing).length > 0;
  await transact(app, tenantId, async (ctx) => {
    await noteSync(ctx, link.vendor, { ...report });
    ctx.record({ event: failed ? 'sync_failed' : 'sync_completed', actor, data: { ...report } });
  });
  return report;
}

async function syncGroups(
  app: App,
  tenantId: string,
  link: ProviderLink,
  report: SyncReport,
  actor: string,
): Promise<void> {
  for await (const page of link.directory.groups()) {
    const ids = await transact(app, tenantId, (ctx) => saveGroups(ctx, link.vendor, page));
    report.groups += page.length;
    for (const [uid, id] of ids) {
      const members: string[] = [];
      for await (const some of link.directory.members(uid)) members.push(...some);
      const { unknown } = await transact(app, tenantId, (ctx) =>
        saveMembers(ctx, link.vendor, id, members, actor),
      );
      report.memberships += members.length - unknown;
    }
  }
}

/** People whom the list did not show, read one by one. */
async function lookForMissing(
  app: App,
  tenantId: string,
  link: ProviderLink,
  begun: Date,
  actor: string,
): Promise<number> {
  let vanished = 0;
  for (let after = ''; ;) {
    const rows = await readonly(app, tenantId, (reader) =>
      notReadSince(reader, link.vendor, begun, after, 100),
    );
    if (rows.length === 0) return vanished;
    for (const row of rows) {
      const found = await link.directory.person(row.uid).catch((error: unknown) => {
        if (error instanceof Fault && error.code === 'not_found') return null;
        throw error;
      });
      if (found !== null)
        await transact(app, tenantId, (ctx) => savePeople(ctx, link.vendor, [found], actor));
      else vanished += await freezeMissing(app, tenantId, row.id, actor);
      after = row.id;
    }
  }
}

async function freezeMissing(app: App, tenantId: string, personId: string, actor: string): Promise<number> {
  await transact(app, tenantId, async (ctx) => {
    const person = await findPerson(ctx, personId, 'update');
    await tightenPerson(ctx, personId, { status: 'SUSPENDED', readAt: ctx.now });
    if (person !== null) await ownerLeft(ctx, person, { actor, how: 'suspended' });
    await freezeMandatesOf(ctx, personId, MISSING, actor);
    ctx.record({
      event: 'user_suspended',
      actor,
      data: { person: personId, reason: 'not found at the identity provider' },
    });
  });
  return 1;
}

async function part(report: SyncReport, name: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const fault = asFault(error);
    // Time may heal these: the job is tried again as a whole. What is refused will be refused again, and is reported.
    if (fault.code !== 'forbidden') throw error;
    report.missing[name] = fault.message;
  }
}
