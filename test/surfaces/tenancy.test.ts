import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sql } from 'drizzle-orm';
import postgres, { type Sql } from 'postgres';
import { SERVER_ROLE } from '#db/pool.ts';
import { decisionFactsNow } from '#domain/decision/facts.ts';
import { createTenant } from '#domain/tenant/create.ts';
import { namedMandates } from '#domain/verify/candidates.ts';
import { readonly, transact } from '#engine/transact.ts';
import { newId } from '#lib/id.ts';
import { openWorld, type World } from '../support/world.ts';

let world: World;
let server: Sql;
let tables: string[];

beforeAll(async () => {
  world = await openWorld();
  const agent = await world.agent('a-bot', 'bob');
  await world.mandate('bob', agent);
  server = postgres(world.ownerUrl, { max: 1, connection: { role: SERVER_ROLE } });
  const rows = await world.sql<
    { name: string }[]
  >`select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'public' and c.relkind = 'r' and c.relname <> 'installation' order by 1`;
  tables = rows.map((row) => row.name);
});
afterAll(async () => {
  await server.end();
  await world.close();
});

describe('tenants are apart by the database itself', () => {
  test("the server's role is neither owner nor superuser, and cannot pass row-level security", async () => {
    const [role] =
      await server`select current_user as name, rolsuper, rolbypassrls, rolcreaterole from pg_roles where rolname = current_user`;
    expect(role).toMatchObject({
      name: SERVER_ROLE,
      rolsuper: false,
      rolbypassrls: false,
      rolcreaterole: false,
    });
    const owned =
      await world.sql`select relname from pg_class where relowner = (select oid from pg_roles where rolname = ${SERVER_ROLE})`;
    expect(owned).toHaveLength(0);
    const used = await world.app.database.sql`select current_user as name`;
    expect(used[0]).toMatchObject({ name: SERVER_ROLE });
  });

  test('every table has row-level security and one policy, which names the tenant for what is read and for what is written', async () => {
    expect(tables.length).toBeGreaterThan(20);
    const rows = await world.sql<{ name: string }[]>`
      select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where n.nspname = 'public' and c.relkind = 'r' and c.relrowsecurity`;
    expect(rows.map((row) => row.name).sort()).toEqual(tables);
    const policies = await world.sql<{ name: string; read: string; written: string }[]>`
      select tablename as name, qual as read, with_check as written from pg_policies where schemaname = 'public'`;
    expect(policies.map((policy) => policy.name).sort()).toEqual(tables);
    for (const { name, read, written } of policies) {
      const named = `(${name === 'tenants' ? 'id' : 'tenant_id'} = current_setting('app.tenant_id'::text, true))`;
      expect({ name, read, written }).toEqual({ name, read: named, written: named });
    }
  });

  test('a query that forgets its tenant sees no row in any table', async () => {
    let filled = 0;
    for (const table of tables) {
      const [all] = await world.sql<{ n: number }[]>`select count(*)::int as n from ${world.sql(table)}`;
      const [seen] = await server<{ n: number }[]>`select count(*)::int as n from ${server(table)}`;
      expect({ table, seen: seen?.n }).toEqual({ table, seen: 0 });
      if ((all?.n ?? 0) > 0) filled += 1;
    }
    // The promise means nothing unless there was something to see.
    expect(filled).toBeGreaterThan(12);
  });

  test('a transaction of one tenant sees and changes nothing of another', async () => {
    const other = newId('tnt');
    await transact(world.app, other, (ctx) =>
      createTenant(ctx, world.app.secrets, {
        name: 'Other',
        slackTeamId: null,
        settings: {},
        okta: {
          orgUrl: 'https://other.okta.com',
          credential: { kind: 'api_token', token: 'x' },
          issuer: 'https://other.okta.com/oauth2/default',
          audience: 'api://x',
        },
      }),
    );
    await server.begin(async (tx) => {
      await tx`select set_config('app.tenant_id', ${other}, true)`;
      for (const table of tables) {
        const column = table === 'tenants' ? 'id' : 'tenant_id';
        const rows = await tx<
          { n: number }[]
        >`select count(*)::int as n from ${tx(table)} where ${tx(column)} <> ${other}`;
        expect({ table, foreign: rows[0]?.n }).toEqual({ table, foreign: 0 });
      }
      const updated =
        await tx`update people set display_name = 'x' where tenant_id = ${world.tenantId} returning id`;
      expect(updated).toHaveLength(0);
    });
    const insert = server.begin(async (tx) => {
      await tx`select set_config('app.tenant_id', ${other}, true)`;
      await tx`insert into api_keys (tenant_id, id, name, hash, scopes) values (${world.tenantId}, 'akey_x', 'x', 'x', '{}')`;
    });
    await expect(insert).rejects.toMatchObject({ code: '42501' });
    await world.sql`delete from identity_providers where tenant_id = ${other}`;
  });

  test('what is read in one statement, without a transaction, is of the tenant that it names, and names it for nobody else', async () => {
    const { sql } = world.app.database;
    const [mandate] = await world.sql<
      { id: string; principal: string; agent: string }[]
    >`select id, principal_id as principal, agent_id as agent from mandates limit 1`;
    const { id, principal, agent } = mandate!;
    const about = {
      principalId: principal,
      agentId: agent,
      mandateId: id,
      targets: [{ type: 'Person', id: principal }],
    };
    const names = { agent, principal, mandateId: id };
    const foreign = newId('tnt');
    const turns = await Promise.all(
      Array.from({ length: 20 }, async (_, turn) => {
        const tenant = turn % 2 === 0 ? world.tenantId : foreign;
        const facts = await decisionFactsNow(sql, tenant, about);
        const named = await namedMandates(sql, tenant, names, 5);
        const [left] = await sql<{ n: number }[]>`select count(*)::int as n from people`;
        return {
          own: tenant === world.tenantId,
          people: [facts.principal?.id, ...facts.targets.map((target) => target?.id)],
          chain: facts.chain.map((one) => one.id),
          named: [named.agentId, ...named.people, ...named.mandates.map((one) => one.id)],
          left: left?.n,
        };
      }),
    );
    for (const { own, ...seen } of turns)
      expect(seen).toEqual(
        own
          ? { people: [principal, principal], chain: [id], named: [agent, principal, id], left: 0 }
          : { people: [undefined, undefined], chain: [], named: [null], left: 0 },
      );
  });

  test("drizzle's statements are prepared, and a transaction has named its tenant before its first", async () => {
    const seen = await readonly(world.app, world.tenantId, async ({ db }) => {
      const [first] = await db.execute<{ n: number }>(
        sql`select count(*)::int as n from people where held = ${false}`,
      );
      const prepared = await db.execute<{ statement: string }>(
        sql`select statement from pg_prepared_statements where statement = 'select count(*)::int as n from people where held = $1'`,
      );
      return { people: first?.n, prepared: prepared.length };
    });
    expect(seen.people).toBeGreaterThan(5);
    expect(seen.prepared).toBe(1);
  });

  test('a foreign key cannot point into another tenant', async () => {
    const [mandate] = await world.sql<{ id: string }[]>`select id from mandates limit 1`;
    const tenants = await world.sql<{ id: string }[]>`select id from tenants where id <> ${world.tenantId}`;
    const [other] = tenants;
    await expect(
      world.sql`insert into mandate_freezes (tenant_id, mandate_id, cause) values (${other?.id ?? ''}, ${mandate?.id ?? ''}, 'x')`,
    ).rejects.toMatchObject({ code: '23503' });
  });

  test('the ledger is append-only for the server, even in its own tenant', async () => {
    for (const statement of ['update ledger set actor = $1', 'delete from ledger where actor <> $1']) {
      await expect(server.unsafe(statement, ['x'])).rejects.toMatchObject({ code: '42501' });
    }
    await expect(server`select * from installation`).rejects.toMatchObject({ code: '42501' });
  });
});
