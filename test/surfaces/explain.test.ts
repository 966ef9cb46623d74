import { afterAll, beforeAll, expect, test } from 'vitest';
import { openWorld, type TestAgent, type World } from '../support/world.ts';

let world: World;
let bot: TestAgent;
let mandateId: string;
beforeAll(async () => {
  world = await openWorld();
  bot = await world.agent('asking-bot', 'bob');
  mandateId = await world.mandate('bob', bot, {
    scopes: ['okta.mfa.reset', 'okta.password.reset'],
    resources: ['team'],
  });
});
afterAll(() => world.close());

/** Uses a tool over REST, with the agent's token for these scopes. */
async function use(scope: string, tool: string, input: unknown) {
  const token = await world.token(bot, 'bob', mandateId, { audience: `${world.url}/v1`, scope });
  const response = await fetch(`${world.url}/v1/tools/${tool}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(input),
  });
  const text = await response.text();
  return { status: response.status, text, body: JSON.parse(text) as Record<string, unknown> };
}

/** An answer without the ids that are unique to it. */
const plain = ({ status, text }: { status: number; text: string }) => ({
  status,
  text: text.replace(/(call|err)_[0-9a-z]+/g, ''),
});

test('a token without the scope of a tool learns nothing of who there is, by explain_access or by the tool itself', async () => {
  const ask = (person: string) =>
    use('okta.mfa.reset', 'explain_access', { tool: 'okta_reset_password', input: { person } });
  const [there, outside, nowhere] = [
    await ask('ann@acme.example'),
    await ask('mona@acme.example'),
    await ask('nobody.at.all@acme.example'),
  ];
  expect(there).toMatchObject({
    status: 200,
    body: { result: { allowed: false, denial: { code: 'scope_not_delegated' } } },
  });
  expect(plain(outside)).toEqual(plain(there));
  expect(plain(nowhere)).toEqual(plain(there));

  const call = (person: string) => use('okta.mfa.reset', 'okta_reset_password', { person });
  const known = await call('mona@acme.example');
  expect(known.status).toBe(403);
  expect(plain(await call('nobody.at.all@acme.example'))).toEqual(plain(known));
});

test("what the organisation's own text forbids to agents altogether is said before any field is mended, and is not listed", async () => {
  await world.sql`insert into policy_versions (tenant_id, version, text, note) values (${world.tenantId}, 1, ${`
    @id("all") @allows("everybody") permit (principal is Person, action, resource);
    @id("own-ban") @reason("Not by agents here.") forbid (principal, action == Action::"okta_reset_mfa", resource) when { context.through_agent };`}, 'a ban')`;
  const banned = { code: 'forbidden_by_policy', policy: 'own-ban' };
  const scope = 'okta.mfa.reset';
  expect(await use(scope, 'explain_access', { tool: 'okta_reset_mfa', input: {} })).toMatchObject({
    body: { result: { allowed: false, denial: banned } },
  });
  for (const input of [{}, { person: 'nobody.at.all@acme.example' }, { person: 'ann@acme.example' }])
    expect((await use(scope, 'okta_reset_mfa', input)).text).toContain('Not by agents here.');
  const token = await world.token(bot, 'bob', mandateId, { audience: `${world.url}/mcp` });
  const response = await fetch(`${world.url}/mcp`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' }),
  });
  const listed = await response.text();
  expect(listed).toContain('"okta_reset_password"');
  expect(listed).not.toContain('"okta_reset_mfa"');
});
