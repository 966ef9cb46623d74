import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startEmbedded, type EmbeddedServer } from '#db/embedded.ts';
import { migrateDatabase } from '#db/migrate.ts';
import { reach } from '#db/reach.ts';
import { openDatabase, SERVER_ROLE, type Database } from '#db/pool.ts';
import { createApiKeyCheck } from '#domain/tenant/api-key.ts';
import { createPersonReader } from '#domain/token/issued/client-token.ts';
import { createMandateReader } from '#domain/token/grant/hot-mandate.ts';
import { configuredProviders } from '#domain/token/subject/providers/configured.ts';
import { readonly } from '#engine/transact.ts';
import { newId, newSecret } from '#lib/id.ts';
import { hotUser } from '#surfaces/scim/store.ts';
import { loadServerJobs } from '../../src/main/jobs.ts';

let folder: string;
let standby: EmbeddedServer;
let primaryAnswers: unknown[];
let database: Database;

/** Everything that an interface reads before it says yes. */
const reads = (from: Database): (() => Promise<unknown>)[] => {
  const tenantId = newId('tnt');
  const key = `Bearer ${tenantId}:mk_test_${newSecret().slice(0, 52).padEnd(52, '0').toLowerCase()}`;
  return [
    () => createMandateReader(from.sql)(tenantId, newId('mdt')),
    () => createPersonReader(from.sql)(tenantId, { provider: 'okta', uid: '00u1' }),
    async () => (await configuredProviders(from.sql).now(tenantId)).list.length,
    () =>
      createApiKeyCheck(
        from.sql,
        'sandbox',
      )(key).catch((error: { code: string }) => {
        if (error.code === 'unauthenticated') return error.code;
        throw error;
      }),
    () => hotUser(from.sql, tenantId, 'scim_x', 'okta'),
    () => readonly({ database: from, now: () => new Date() }, tenantId, async () => 'read'),
  ];
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'prokura-standby-'));
  const primary = await startEmbedded(folder);
  await migrateDatabase(primary.url, 'sandbox', (await loadServerJobs()).queues);
  const before = openDatabase(primary.url, { role: SERVER_ROLE });
  primaryAnswers = await Promise.all(reads(before).map((read) => read()));
  await before.close();
  await primary.stop();
  // A real standby of PostgreSQL: in recovery and answering reads until it is promoted.
  await writeFile(join(folder, 'postgres', 'standby.signal'), '');
  standby = await startEmbedded(folder);
  database = openDatabase(standby.url, { role: SERVER_ROLE });
});
afterAll(async () => {
  await database.close();
  await standby.stop();
  await rm(folder, { recursive: true, force: true });
});

test('T30: a standby, which may be behind, is never asked: every read that decides is refused there as unavailable', async () => {
  expect(existsSync(join(folder, 'postgres', 'standby.signal'))).toBe(true);
  const [row] = await database.sql`select pg_is_in_recovery() as standby`;
  expect(row).toEqual({ standby: true });
  expect(primaryAnswers).toEqual([null, null, 0, 'unauthenticated', null, 'read']);
  const answers = await Promise.allSettled(reads(database).map((read) => reach(read())));
  for (const answer of answers)
    expect(answer).toMatchObject({ status: 'rejected', reason: { code: 'unavailable' } });
});
