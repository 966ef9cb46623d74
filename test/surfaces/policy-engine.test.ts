import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Actor } from '#domain/actor.ts';
import { findPersonByUid } from '#domain/person/store.ts';
import type { App } from '#engine/app.ts';
import { call } from '#engine/call.ts';
import type { Outcome } from '#engine/outcome.ts';
import { setUpTenant } from '#engine/set-up.ts';
import { readonly } from '#engine/transact.ts';
import { samplePerson } from '#sandbox/company.ts';
import { providerLinks } from '../../src/main/providers.ts';
import { eventually, openWorld, type World } from '../support/world.ts';

let world: World;
/** Another organisation on the same server, with the shipped policies. */
let other: { tenantId: string; dana: Actor };
let key: string;

beforeAll(async () => {
  world = await openWorld();
  const { okta } = world.server;
  const made = await setUpTenant(
    world.app,
    {
      name: 'Second',
      slackTeamId: 'T2',
      emailDomains: ['acme.example'],
      administrators: ['dana@acme.example'],
      groups: {},
      okta: providerLinks(world.app, okta).setUp,
    },
    () => Promise.resolve(),
  );
  const tenantId = made.tenant_id;
  const dana = await readonly(world.app, tenantId, (reader) =>
    findPersonByUid(reader, 'okta', samplePerson('dana').oktaId),
  );
  const personId = dana?.id ?? '';
  other = { tenantId, dana: { kind: 'person', surface: 'slack', personId, identity: {} } };
  const response = await post(world.company.api_keys.admin, `/v1/tenants/${world.tenantId}/api-keys`, {
    name: 'tries policies',
    scopes: ['policy_try', 'okta_find_user'],
  });
  key = String(response.body['api_key']);
});
afterEach(() => inForce(''));
afterAll(() => world.close());

async function post(token: string, path: string, input: unknown) {
  const response = await fetch(`${world.url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(input),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

const people = Array.from({ length: 400 }, (_, i) => `principal == Person::"usr_${i}"`);
/** Conditions that each break Cedar's engine, some when they are parsed, some at the first decision. */
const FATAL: readonly [string, string][] = [
  ['nested parentheses', `${'('.repeat(200)}true${')'.repeat(200)}`],
  ['nested sets', `${'['.repeat(200)}1${']'.repeat(200)} == [2]`],
  ['nested records', `${'{a: '.repeat(200)}1${'}'.repeat(200)} == {a: 2}`],
  ['a list of 400 people, joined by ||', people.join(' || ')],
  ['a long way into the context', `context${'.a'.repeat(500)}`],
  ['a long way into the context, by index', `context${'["a"]'.repeat(500)}`],
  ['a long sum', `1${' + 1'.repeat(400)} > 3`],
  ['one if in another', `${'if '.repeat(400)}true${' then true else true'.repeat(400)}`],
];
const forbidding = (condition: string) =>
  `@id("own") @reason("Own.") forbid (principal, action, resource) when { ${condition} };`;

const asDana = async (app: App, tool: string, input: unknown): Promise<Outcome> =>
  call(app, { tenantId: world.tenantId, actor: await world.actor('dana'), tool, input });

/** The other organisation decides by the shipped policies, and this one's kill switch works. */
async function othersGoOn(app: App): Promise<void> {
  const asked = { tenantId: other.tenantId, actor: other.dana, tool: 'mandate_list', input: {} };
  expect(await call(app, asked)).toMatchObject({ status: 'done' });
  expect(await asDana(app, 'freeze_preview', { target: 'mona@acme.example' })).toMatchObject({
    status: 'done',
  });
}

/** Puts a text in force without any check, like a text that an older version of the server accepted. */
async function inForce(text: string): Promise<void> {
  await world.sql`
    insert into policy_versions (tenant_id, version, text, note)
    select ${world.tenantId}, coalesce(max(version), 0) + 1, ${text}, 'from before' from policy_versions where tenant_id = ${world.tenantId}`;
}

describe('a text that breaks Cedar', () => {
  test.each(FATAL)('%s: it is refused by a count, and everything goes on deciding', async (_, condition) => {
    const tried = await post(key, '/v1/tools/policy_try', { days: 1, text: forbidding(condition) });
    expect(tried.status).toBe(400);
    expect(JSON.stringify(tried.body)).toMatch(/is nested \d+ levels deep; the limit is 128/);
    expect((await post(key, '/v1/tools/okta_find_user', { query: 'ann' })).status).toBe(200);
    await othersGoOn(world.app);
    expect((await fetch(`${world.url}/readyz`)).status).toBe(200);
  });

  /**
   * In this organisation only the policies that stay decide, and its kill switch works. The other
   * organisation is not affected.
   */
  async function whatStaysDecides(app: App): Promise<true> {
    expect(await asDana(app, 'mandate_list', {})).toMatchObject({
      status: 'denied',
      denial: { code: 'no_policy_allows' },
    });
    expect(await asDana(app, 'policy_show', {})).toMatchObject({
      status: 'done',
      output: { problem: expect.stringContaining('the limit is 128') as string },
    });
    await othersGoOn(app);
    const kill = { target: 'mona@acme.example', reason: 'incident' };
    expect(await asDana(app, 'freeze_apply', kill)).toMatchObject({ status: 'done' });
    await world.sql`update people set delegation_frozen_by = null where tenant_id = ${world.tenantId}`;
    return true;
  }

  test.each(FATAL)('%s, in force already: what stays decides', async (_, condition) => {
    await inForce(forbidding(condition));
    expect(await whatStaysDecides(world.app)).toBe(true);
  });

  test('the same after a restart, with each of them in force', async () => {
    const { app } = await world.second();
    for (const [, condition] of FATAL) {
      await inForce(forbidding(condition));
      expect(await whatStaysDecides(app)).toBe(true);
    }
  });

  test('administrators return to what ships', async () => {
    await inForce(forbidding(people.join(' || ')));
    expect((await asDana(world.app, 'mandate_list', {})).status).toBe('denied');
    const asked = await asDana(world.app, 'policy_set', { version: 0, note: 'back to what ships' });
    if (asked.status !== 'waiting') throw new Error(JSON.stringify(asked));
    await world.vote('ivan', asked.approvalId);
    await eventually(
      async () => (await asDana(world.app, 'mandate_list', {})).status === 'done',
      'what ships decides',
    );
  });
});

test('a text from before that locks IT admins out decides nothing: what stays does, and they return to what ships', async () => {
  await inForce(forbidding('true'));
  expect(await asDana(world.app, 'policy_show', {})).toMatchObject({
    status: 'done',
    output: { problem: expect.stringContaining('policy own forbids policy_show to IT admins') as string },
  });
  expect((await asDana(world.app, 'mandate_list', {})).status).toBe('denied');
  const asked = await asDana(world.app, 'policy_set', { version: 0, note: 'back to what ships' });
  if (asked.status !== 'waiting') throw new Error(JSON.stringify(asked));
  await world.vote('ivan', asked.approvalId);
  await eventually(
    async () => (await asDana(world.app, 'mandate_list', {})).status === 'done',
    'what ships decides',
  );
});

describe('what tightens', () => {
  test('does not depend on the own text: under one that forbids everything that it may, the parties still freeze, revoke and disable', async () => {
    const bot = await world.agent('tightened-bot', 'bob');
    const revoked = await world.mandate('bob', bot);
    const frozen = await world.mandate('bob', bot);
    await inForce(forbidding('!["policy_show", "policy_set", "approval_decide"].contains(context.tool)'));
    const bob = await world.actor('bob');
    expect(await world.as(bob, 'mandate_list', {})).toMatchObject({ denial: { policy: 'own' } });
    expect(await world.as(bob, 'mandate_revoke', { mandate_id: revoked, reason: 'over' })).toMatchObject({
      status: 'done',
    });
    expect(await world.as(bob, 'mandate_freeze', { mandate_id: frozen, reason: 'a pause' })).toMatchObject({
      status: 'done',
    });
    expect(await world.as(bob, 'freeze_apply', { target: bot.id, reason: 'stolen' })).toMatchObject({
      status: 'done',
    });
    expect(await world.as(bob, 'agent_disable', { agent: bot.id, reason: 'stolen' })).toMatchObject({
      status: 'done',
    });
    // It admits nobody else: a person whom the policies that stay do not permit is still denied.
    expect((await world.as(await world.actor('nina'), 'freeze_apply', { target: bot.id })).status).toBe(
      'denied',
    );
    // The tenant's own text may forbid tools that do not tighten.
    expect((await world.as(bob, 'mandate_show', { mandate_id: frozen })).status).toBe('denied');
  });
});

describe('what a text may cost', () => {
  const plain = (n: number) =>
    Array.from(
      { length: n },
      (_, i) =>
        `@id("p${i}") permit (principal is Person, action, resource) when { principal.roles.contains("r${i}") };`,
    ).join('\n');

  test('more than 400 policies are refused by a count', async () => {
    const tried = await post(key, '/v1/tools/policy_try', { days: 1, text: plain(401) });
    expect(tried.status).toBe(400);
    expect(JSON.stringify(tried.body)).toContain('401 policies; the limit is 400');
  });

  test('while one is tried, everybody else is answered; of two tries of one organisation at once, one is refused', async () => {
    const set = Array.from({ length: 4000 }, (_, i) => `Person::"usr_${i}"`).join(', ');
    const listed = `@id("listed") forbid (principal is Person, action, resource) when { [${set}].contains(principal) };`;
    const text = `${plain(100)}\n${listed}`;
    const state = { isOver: false };
    const two = Promise.all(
      [text, `${text}\n// another`].map((one) => post(key, '/v1/tools/policy_try', { days: 1, text: one })),
    ).finally(() => {
      state.isOver = true;
    });
    let answered = 0;
    while (!state.isOver) {
      expect((await fetch(`${world.url}/healthz`)).status).toBe(200);
      answered += 1;
    }
    expect(answered).toBeGreaterThan(20);
    expect((await two).map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 429]);
  });
});
