import { inflateSync } from 'node:zlib';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { ProkuraError, verifyDelegation } from '#client/index.ts';
import { statusAt } from '../../src/client/status-list.ts';
import { eventually, openWorld, type TestAgent, type World } from '../support/world.ts';

let world: World;
let agent: TestAgent;
let issuer: string;
let shiftMs = 0;
const now = () => new Date(Date.now() + shiftMs);

beforeAll(async () => {
  world = await openWorld({ now });
  agent = await world.agent('status-bot', 'carl');
  issuer = `${world.app.baseUrl}/t/${world.tenantId}`;
});
afterAll(() => world.close());
beforeEach(() => {
  shiftMs = 0;
  world.server.kernel.flushCaches();
});

const terms = { scopes: ['okta.users.read'] };
const verifier = () => verifyDelegation({ issuer, audience: `${world.app.baseUrl}/mcp`, now });
const refusal = async (work: Promise<unknown>) => {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ProkuraError);
  return (error as ProkuraError).reason;
};
interface Reference {
  idx: number;
  uri: string;
}
const referenceOf = (token: string) => (decodeJwt(token)['status'] as { status_list: Reference }).status_list;
const fetchList = async (uri: string) => {
  const response = await fetch(uri);
  const jwt = await response.text();
  const claims = decodeJwt(jwt) as Record<string, unknown> & { status_list: { bits: number; lst: string } };
  return { response, jwt, claims, bytes: inflateSync(Buffer.from(claims.status_list.lst, 'base64url')) };
};

test('T38: a token names its index in a status list that the issuer signs, with the right type, sub, ttl and lifetime, and the list is small', async () => {
  const mandate = await world.mandate('bob', agent, terms);
  const token = await world.token(agent, 'bob', mandate);
  const { idx, uri } = referenceOf(token);
  const [row] = await world.sql`select status_index from mandates where id = ${mandate}`;
  expect(row).toEqual({ status_index: idx });
  expect(uri).toBe(`${issuer}/oauth2/status/0`);
  const { response, jwt, claims, bytes } = await fetchList(uri);
  expect(response.headers.get('content-type')).toBe('application/statuslist+jwt');
  expect(response.headers.get('cache-control')).toMatch(/^public, max-age=(?:\d|1[0-5])$/);
  expect(decodeProtectedHeader(jwt)).toMatchObject({ typ: 'statuslist+jwt', alg: 'ES256' });
  expect(claims).toMatchObject({ sub: uri, iss: issuer, ttl: 15, status_list: { bits: 2 } });
  expect(Number(claims['exp']) - Number(claims['iat'])).toBe(60);
  expect(statusAt(bytes, 2, idx)).toBe(0);
  expect(jwt.length).toBeLessThan(20_000);
  expect(await verifier()(token)).toMatchObject({ mandate_id: mandate });
});

test('a revoked mandate is refused by a resource server that has only the list, within 60 seconds', async () => {
  const mandate = await world.mandate('bob', agent, terms);
  const token = await world.token(agent, 'bob', mandate);
  const verify = verifier();
  await verify(token);
  await world.as(await world.actor('bob'), 'mandate_revoke', { mandate_id: mandate, reason: 'enough' });
  shiftMs += 31_000;
  expect(await refusal(verify(token))).toBe('revoked');
});

test('a frozen mandate is suspended, and valid again once it thaws', async () => {
  const mandate = await world.mandate('bob', agent, terms);
  const token = await world.token(agent, 'bob', mandate);
  const verify = verifier();
  await world.sql`update mandates set state = 'frozen' where id = ${mandate}`;
  shiftMs += 31_000;
  expect(await refusal(verify(token))).toBe('suspended');
  await world.sql`update mandates set state = 'active' where id = ${mandate}`;
  shiftMs += 31_000;
  expect(await verify(token)).toMatchObject({ mandate_id: mandate });
});

test('a disabled agent and a principal who is held are suspended; an expired mandate has ended', async () => {
  const mandate = await world.mandate('bob', agent, terms);
  const { idx, uri } = referenceOf(await world.token(agent, 'bob', mandate));
  const status = async () => {
    shiftMs += 31_000;
    return statusAt((await fetchList(uri)).bytes, 2, idx);
  };
  const { id: bob } = await world.person('bob');
  await world.sql`update agents set status = 'disabled' where id = ${agent.id}`;
  expect(await status()).toBe(2);
  await world.sql`update agents set status = 'active' where id = ${agent.id}`;
  await world.sql`update people set held = true where id = ${bob}`;
  expect(await status()).toBe(2);
  await world.sql`update people set held = false where id = ${bob}`;
  await world.sql`update mandates set expires_at = now() - interval '1 second' where id = ${mandate}`;
  expect(await status()).toBe(1);
});

test('what is below a frozen mandate is suspended with it', async () => {
  const [above, below] = [await world.mandate('bob', agent, terms), await world.mandate('bob', agent, terms)];
  const { idx, uri } = referenceOf(await world.token(agent, 'bob', below));
  await world.sql`update mandates set parent_id = ${above} where id = ${below}`;
  expect(statusAt((await fetchList(uri)).bytes, 2, idx)).toBe(0);
  await world.sql`update mandates set state = 'frozen' where id = ${above}`;
  shiftMs += 31_000;
  expect(statusAt((await fetchList(uri)).bytes, 2, idx)).toBe(2);
});

test('in trees of any shape, the status list says the same of each mandate as a walk up its chain', async () => {
  const root = await world.mandate('bob', agent, terms);
  const off = await world.agent('off-bot', 'carl');
  await world.sql`update agents set status = 'disabled' where id = ${off.id}`;
  await world.sql`update mandates set status_index = null where status_index between 1001 and 1400`;
  // Each has an earlier one or none as its parent. Some have ended, are frozen, have expired, or have a
  // disabled agent.
  await world.sql`
    insert into mandates (tenant_id, id, principal_id, agent_id, scopes, resources, purpose, parent_id, state, call_id, starts_at, expires_at, status_index)
    select m.tenant_id, m.id || '_' || lpad(n::text, 4, '0'), m.principal_id, case when n % 11 = 0 then ${off.id} else m.agent_id end, m.scopes, m.resources, 'tree',
           case when n <= 5 or n % 13 = 0 then null else m.id || '_' || lpad((1 + (n * 7919 + 31) % (n - 1))::text, 4, '0') end,
           case when n % 17 = 0 then 'frozen' when n % 19 = 0 then 'revoked' else 'active' end,
           m.call_id, m.starts_at, case when n % 23 = 0 then now() - interval '1 hour' else m.expires_at end, 1000 + n
      from mandates m, generate_series(1, 400) n where m.id = ${root}`;
  shiftMs += 31_000;
  const { bytes } = await fetchList(`${issuer}/oauth2/status/0`);
  const rows = await world.sql<
    {
      id: string;
      parent_id: string | null;
      state: string;
      over: boolean;
      agent_id: string;
      status_index: number;
    }[]
  >`select id, parent_id, state, expires_at <= now() as over, agent_id, status_index from mandates where purpose = 'tree'`;
  const byId = new Map(rows.map((row) => [row.id, row]));
  const fit = (row: (typeof rows)[number]): boolean =>
    row.state === 'active' && !row.over && row.agent_id !== off.id;
  const chainFit = (row: (typeof rows)[number] | undefined): boolean =>
    row === undefined || (fit(row) && chainFit(byId.get(row.parent_id ?? '')));
  const wrong = rows.filter((row) => {
    const ended = row.state === 'revoked' || row.over;
    return statusAt(bytes, 2, row.status_index) !== (ended ? 1 : chainFit(row) ? 0 : 2);
  });
  expect(wrong).toEqual([]);
  expect(rows.filter((row) => fit(row) && !chainFit(row)).length).toBeGreaterThan(50);
});

test('while the next list is built, the one before is handed out', async () => {
  const uri = `${issuer}/oauth2/status/0`;
  const { jwt } = await fetchList(uri);
  shiftMs += 16_000;
  const [one, two] = await Promise.all([fetchList(uri), fetchList(uri)]);
  expect([one.jwt, two.jwt]).toEqual([jwt, jwt]);
  await eventually(async () => (await fetchList(uri)).jwt !== jwt, 'the next one is there');
  shiftMs += 31_000;
  const late = await fetchList(uri);
  expect(Number(late.claims['exp']) * 1000 - now().getTime()).toBeGreaterThan(29_000);
});

test('a mandate from before there were lists gets its place at its first token, and keeps it', async () => {
  const mandate = await world.mandate('bob', agent, terms);
  await world.sql`update mandates set status_index = null where id = ${mandate}`;
  const first = referenceOf(await world.token(agent, 'bob', mandate));
  expect(referenceOf(await world.token(agent, 'bob', mandate))).toEqual(first);
});

test('decoys stand in free places: a tenant with few mandates shows hundreds of ended ones', async () => {
  const { bytes } = await fetchList(`${issuer}/oauth2/status/0`);
  const counts = [0, 0, 0, 0];
  for (let index = 0; index < bytes.length * 4; index += 1) {
    const status = statusAt(bytes, 2, index) ?? 3;
    counts[status] = (counts[status] ?? 0) + 1;
  }
  const [, ended = 0, suspended = 0, other] = counts;
  expect(ended).toBeGreaterThan(300);
  expect(suspended).toBeGreaterThan(60);
  expect(other).toBe(0);
});

test('the metadata name where all lists are named; a list that is not there is 404', async () => {
  const metadata = (await (await fetch(`${issuer}/.well-known/oauth-authorization-server`)).json()) as Record<
    string,
    string
  >;
  const all = await fetch(String(metadata['status_list_aggregation_endpoint']));
  expect(await all.json()).toEqual({ status_lists: [`${issuer}/oauth2/status/0`] });
  expect((await fetch(`${issuer}/oauth2/status/7`)).status).toBe(404);
  expect((await fetch(`${issuer}/oauth2/status/-1`)).status).toBe(404);
});
