import { afterAll, beforeAll, expect, test } from 'vitest';
import { sql } from 'drizzle-orm';
import postgres from 'postgres';
import { migrateDatabase } from '#db/migrate.ts';
import { openDatabase, SERVER_ROLE } from '#db/pool.ts';
import { checkSessions } from '#db/session-check.ts';
import { decisionFactsNow } from '#domain/decision/facts.ts';
import { readonly } from '#engine/transact.ts';
import { loadServerJobs } from '../../src/main/jobs.ts';
import { layWire } from '../support/proxy.ts';
import { openWorld, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

test('behind a pooler that drops the role nothing is read or written, and the server does not start', async () => {
  const pooler = await layWire(world.ownerUrl, { drops: 'role' });
  const database = openDatabase(pooler.url, { role: SERVER_ROLE });
  try {
    // It is connected, but as the owner, to whom row-level security does not apply.
    const [connected] = await database.sql<{ role: string }[]>`select current_user as role`;
    expect(connected?.role).toBe('prokura_owner');
    await expect(
      readonly({ ...world.app, database }, world.tenantId, (reader) =>
        reader.db.execute(sql`select id from people`),
      ),
    ).rejects.toMatchObject({ code: 'unavailable' });
    const { id } = await world.person('bob');
    await expect(
      decisionFactsNow(database.sql, world.tenantId, {
        principalId: id,
        agentId: null,
        mandateId: null,
        targets: [],
      }),
    ).rejects.toMatchObject({ code: '28000' });
    await expect(checkSessions(pooler.url, SERVER_ROLE)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/use the role prokura_owner instead of prokura_server.*pooler/),
    });
  } finally {
    await database.close();
    await pooler.close();
  }
  await expect(checkSessions(world.ownerUrl, SERVER_ROLE)).resolves.toBeUndefined();
});

test('what was voted and what was signed cannot be changed or removed by the server', async () => {
  const server = postgres(world.ownerUrl, { max: 1, connection: { role: SERVER_ROLE } });
  try {
    for (const table of ['votes', 'ledger_checkpoints', 'ledger']) {
      const denied = { code: '42501' };
      await expect(server.unsafe(`update ${table} set tenant_id = tenant_id`)).rejects.toMatchObject(denied);
      await expect(server.unsafe(`delete from ${table}`)).rejects.toMatchObject(denied);
      await expect(server.unsafe(`truncate ${table}`)).rejects.toMatchObject(denied);
    }
  } finally {
    await server.end();
  }
});

test('no function that works with the rights of the owner looks for tables among those of its caller first', async () => {
  const rows = await world.sql<{ name: string; config: string[] | null }[]>`
    select proname as name, proconfig as config from pg_proc where pronamespace = 'public'::regnamespace and prosecdef`;
  expect(rows.length).toBeGreaterThan(3);
  for (const { name, config } of rows)
    expect([name, config]).toEqual([name, ['search_path=pg_catalog, public, pg_temp']]);
});

test('an owner who may make no roles starts where the role was made and granted beforehand, and is told the SQL where not', async () => {
  const admin = postgres(world.ownerUrl, { max: 1, onnotice: () => {} });
  const base = new URL(world.ownerUrl);
  const role = `norole_${Date.now()}`;
  const urlOf = (name: string) => {
    const url = new URL(base);
    url.username = role;
    url.password = 'x';
    url.pathname = `/${name}`;
    return url.href;
  };
  try {
    await admin.unsafe(`create role ${role} login password 'x'`);
    await admin.unsafe(`create database ${role} owner ${role}`);
    const { queues } = await loadServerJobs();
    await expect(migrateDatabase(urlOf(role), 'sandbox', queues)).rejects.toMatchObject({
      code: 'forbidden',
      message: expect.stringMatching(/GRANT prokura_server TO/),
    });
    await admin.unsafe(`grant ${SERVER_ROLE} to ${role}`);
    await migrateDatabase(urlOf(role), 'sandbox', queues);
    await checkSessions(urlOf(role), SERVER_ROLE);
  } finally {
    await admin.unsafe(`drop database if exists ${role} with (force)`);
    await admin.unsafe(`drop role if exists ${role}`);
    await admin.end();
  }
});
