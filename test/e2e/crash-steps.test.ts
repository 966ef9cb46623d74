import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { verifyLedger } from '#domain/ledger/verify.ts';
import { newId } from '#lib/id.ts';
import { signJwt } from '#lib/jwt.ts';
import { samplePerson } from '#sandbox/company.ts';
import { openFleet, type Fleet, type ServerProcess } from '../support/process.ts';
import { previewOf } from '../support/slack-card.ts';
import { eventually } from '../support/world.ts';

let fleet: Fleet;
let server: ServerProcess;
let company: { tenant_id: string; issuer: string; api_keys: { admin: string } };
const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
let agent: { id: string; kid: string };
let root: string;

beforeAll(async () => {
  fleet = await openFleet();
  server = await fleet.start();
  company = JSON.parse(readFileSync(join(fleet.folder, 'sandbox-keys.json'), 'utf8')) as typeof company;
  connect();
  agent = await register();
  await bobUses('mandate_create', {
    agent: agent.id,
    scopes: ['okta.mfa.reset'],
    resources: ['team'],
    days: 7,
    purpose: 'crash test',
  });
  // Bob confirms himself what his token asked for.
  const bob = fleet.slack.as('bob');
  const asked = await bob.waitsFor((one) => JSON.stringify(one.blocks).includes('"Approve"'));
  await bob.clicks(asked, 'Approve');
  root = await eventually(
    async () => (await fleet.sql<{ id: string }[]>`select id from mandates`)[0]?.id,
    'the mandate stands',
  );
});
afterAll(() => fleet.close());
// Faults of one test must not affect the next.
beforeEach(() => fleet.okta.clearFaults());

const uid = (key: string) => samplePerson(key).oktaId;
const connect = () => fleet.slack.connect(`${server.url}/slack/events`);
/** Changes of factors that Okta carried out. */
const resets = (key: string) =>
  fleet.okta.requests.filter(
    (one) => one.path.includes(`${uid(key)}/lifecycle/reset_factors`) && one.status === 200,
  ).length;

/** Bob's agent with our key, created in Slack by an IT admin. */
async function register(): Promise<{ id: string; kid: string }> {
  const { view } = await fleet.slack.as('dana').types('/agent register crash-bot');
  if (view === undefined) throw new Error('no form');
  const jwk = JSON.stringify(pair.publicKey.export({ format: 'jwk' }));
  await fleet.slack
    .as('dana')
    .fills(view, { Owner: 'Bob Meyer', Scopes: 'okta.mfa.reset', 'Public key': jwk })
    .submits();
  return eventually(
    async () =>
      (await fleet.sql<{ id: string; kid: string }[]>`select agent_id as id, kid from agent_keys`)[0],
    'the agent is registered',
  );
}

const post = async (path: string, bearer: string, body: object) => {
  const response = await fetch(`${server.url}${path}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${bearer}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify(body),
  });
  return { status: response.status, text: await response.text() };
};
async function bobUses(tool: string, input: object): Promise<{ result?: Record<string, unknown> }> {
  const scopes = ['delegation:create', 'delegation:revoke'];
  const token = await fleet.okta.tokenFor(samplePerson('bob').email, { scopes });
  return JSON.parse((await post(`/v1/tools/${tool}`, token, input)).text) as {
    result?: Record<string, unknown>;
  };
}
function assertion(): string {
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    iss: agent.id,
    sub: agent.id,
    aud: company.issuer,
    jti: randomUUID(),
    iat: now,
    exp: now + 300,
  };
  return signJwt({ alg: 'ES256', kid: agent.kid }, claims, pair.privateKey);
}
async function exchange(client_assertion: string): Promise<{ status: number; token: string }> {
  const body = new URLSearchParams({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: await fleet.okta.tokenFor(samplePerson('bob').email, { scopes: ['delegation:exchange'] }),
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    mandate_id: root,
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion,
  });
  const response = await fetch(`${server.url}/t/${company.tenant_id}/oauth2/token`, { method: 'POST', body });
  return {
    status: response.status,
    token: String(((await response.json()) as Record<string, unknown>)['access_token']),
  };
}

const lines = async (event: string) => (await fleet.sql`select 1 from ledger where event = ${event}`).length;
/** What everybody can prove after the crash: the chain has no gap. */
async function chainHolds(): Promise<void> {
  const response = await fetch(`${server.url}/v1/ledger/export`, {
    headers: { authorization: `Bearer ${company.api_keys.admin}` },
  });
  expect(verifyLedger((await response.text()).trimEnd().split('\n')).problems).toEqual([]);
}
async function dies(): Promise<void> {
  await server.kill('SIGKILL');
}
async function restarts(): Promise<void> {
  fleet.okta.clearFaults();
  server = await fleet.start();
  connect();
}

/** Locks rows until `release`, so a transaction that needs them stops in the middle. */
async function hold(query: string): Promise<{ somebodyWaits(): Promise<unknown>; release(): Promise<void> }> {
  let release = (): void => {};
  const released = new Promise<void>((resolve) => (release = resolve));
  let held = (): void => {};
  const holding = new Promise<void>((resolve) => (held = resolve));
  const over = fleet.sql.begin(async (tx) => {
    await tx.unsafe(query);
    held();
    await released;
  });
  await holding;
  return {
    somebodyWaits: () =>
      eventually(
        async () =>
          (
            await fleet.sql`select 1 from pg_stat_activity where datname = current_database() and application_name = 'prokura' and wait_event_type = 'Lock'`
          ).length > 0,
        'the server waits for the row',
      ),
    release: async () => {
      release();
      await over;
    },
  };
}

describe('kill -9', () => {
  test('before the commit of a call that was sent in Slack: nothing is asked by then, and the next process carries it out once', async () => {
    const card = await previewOf(fleet.slack.as('bob'), '/okta reset multi-factor @ann');
    const look = fleet.okta.fault({ method: 'GET', path: `${uid('ann')}/factors`, times: 50, hang: true });
    const clicked = await fleet.slack.as('bob').clicks(card, 'Send request');
    expect(clicked).toMatchObject({ status: 200, shown: null });
    await eventually(() => Promise.resolve(look.hits > 0), 'the look that precedes the call', 90_000);
    await dies();
    expect(await fleet.sql`select 1 from calls where tool = 'okta_reset_mfa'`).toHaveLength(0);
    await restarts();
    await eventually(
      async () =>
        (await fleet.sql`select 1 from calls where tool = 'okta_reset_mfa' and state = 'succeeded'`)[0],
      'it is carried out',
      90_000,
    );
    expect(await fleet.sql`select 1 from calls where tool = 'okta_reset_mfa'`).toHaveLength(1);
    expect(resets('ann')).toBe(1);
    await chainHolds();
  });

  test('between the intent and Okta: the next process sees that nothing has landed, and does it once', async () => {
    const act = fleet.okta.fault({ method: 'POST', path: `${uid('carl')}/lifecycle`, times: 50, hang: true });
    const card = await previewOf(fleet.slack.as('bob'), '/okta reset multi-factor @carl');
    await fleet.slack.as('bob').clicks(card, 'Send request');
    await eventually(() => Promise.resolve(act.hits > 0), 'the act is on its way', 90_000);
    await dies();
    expect(
      await fleet.sql`select state, attempt from calls where tool = 'okta_reset_mfa' and state <> 'succeeded'`,
    ).toMatchObject([{ state: 'running', attempt: 1 }]);
    await restarts();
    await eventually(
      async () =>
        (await fleet.sql`select 1 from calls where tool = 'okta_reset_mfa' and state = 'succeeded'`)
          .length === 2,
      'it is carried out',
      90_000,
    );
    expect(resets('carl')).toBe(1);
    expect(
      await fleet.sql`select 1 from ledger where event = 'CALL_SUCCEEDED' and data->>'tool' = 'okta_reset_mfa'`,
    ).toHaveLength(2);
  });

  test('while a batch of ledger lines is written: no token without its line, and each assertion is good for one, given out or not', async () => {
    const before = await lines('TOKEN_ISSUED');
    const head = await hold('select 1 from ledger_heads for update');
    const assertions = Array.from({ length: 5 }, assertion);
    const asked = assertions.map((one) => exchange(one).catch(() => null));
    await head.somebodyWaits();
    await dies();
    expect(await Promise.all(asked)).toEqual([null, null, null, null, null]);
    await head.release();
    await restarts();
    // PostgreSQL may still have run what a dead client had sent. Then each assertion is used up by a token
    // that nobody got.
    const written = (await lines('TOKEN_ISSUED')) - before;
    const again = [];
    for (const one of assertions) again.push((await exchange(one)).status);
    expect([written, again.filter((status) => status === 200).length]).toEqual([written, 5 - written]);
    expect(await lines('TOKEN_ISSUED')).toBe(before + 5);
    await chainHolds();
  });

  test('in a revocation, among the mandates of a tree or at the approval that goes with it: nothing is revoked, and the next time all is', async () => {
    const { token } = await exchange(assertion());
    const call = { name: 'okta_reset_mfa', arguments: { person: samplePerson('carl').email } };
    const answer = await post('/mcp', token, { jsonrpc: '2.0', id: 1, method: 'tools/call', params: call });
    expect(answer).toMatchObject({ status: 200 });
    const ids = Array.from({ length: 30 }, () => newId('mdt'));
    await fleet.sql`insert into mandates (tenant_id, id, principal_id, agent_id, scopes, resources, purpose, parent_id, depth, state, call_id, starts_at, expires_at)
      select tenant_id, i, principal_id, agent_id, scopes, resources, 'below', ${root}, 0, 'active', call_id, starts_at, expires_at
        from mandates, unnest(${ids}::text[]) as i where id = ${root}`;
    const state = async () => ({
      mandates: await fleet.sql`select state, count(*)::int as n from mandates group by state`,
      // Of what the agent asks. The mandate itself was confirmed before.
      approvals: await fleet.sql`
        select a.state from approvals a join calls c on c.id = a.call_id where c.actor ->> 'kind' = 'agent'`,
      lines: await lines('MANDATE_REVOKED'),
    });
    const before = await state();
    expect(before).toMatchObject({
      mandates: [{ state: 'active', n: 31 }],
      approvals: [{ state: 'pending' }],
      lines: 0,
    });
    for (const place of [
      `select 1 from mandates where id = '${ids.at(-1)}' for update`,
      'select 1 from approvals for update',
    ]) {
      const row = await hold(place);
      const revoking = bobUses('mandate_revoke', { mandate_id: root }).catch(() => null);
      await row.somebodyWaits();
      await dies();
      expect(await revoking).toBeNull();
      await row.release();
      expect(await state()).toEqual(before);
      await restarts();
    }
    expect(await exchange(assertion())).toMatchObject({ status: 200 });
    expect((await bobUses('mandate_revoke', { mandate_id: root })).result?.['revoked']).toHaveLength(31);
    expect(await state()).toMatchObject({
      mandates: [{ state: 'revoked', n: 31 }],
      approvals: [{ state: 'withdrawn' }],
      lines: 31,
    });
    expect(await exchange(assertion())).toMatchObject({ status: 400 });
    await chainHolds();
  });
});
