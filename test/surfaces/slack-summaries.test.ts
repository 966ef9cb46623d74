import { afterAll, beforeAll, expect, test } from 'vitest';
import { words } from '../support/slack-approvals.ts';
import { eventually, openWorld, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

/** Copies a mandate this many times, as the owner of the database. */
const plant = (mandate: string, count: number) =>
  world.sql`insert into mandates (tenant_id, id, principal_id, agent_id, scopes, resources, purpose, call_id, starts_at, expires_at)
    select tenant_id, id || '_' || lpad(n::text, 6, '0'), principal_id, agent_id, scopes, resources, 'planted', call_id, starts_at, expires_at
      from mandates, generate_series(1, ${count}::int) n where id = ${mandate}`;

const use = async (key: string, tool: string, input: Record<string, unknown>) =>
  expect(await world.as(await world.actor(key), tool, input)).toMatchObject({ status: 'done' });

/** The only message of a person that matches, once it does. */
async function told(who: string, text: RegExp) {
  const person = world.slack.as(who);
  return person.waitsFor((one) => text.test(one.text), 90_000);
}

/** What a person reads about freezes, without the message that a mandate has from its beginning. */
const ofFreezes = async (who: string) =>
  (await world.slack.as(who).inbox()).filter((one) => / (?:is|was|were) frozen/.test(one.text));

test('of hundreds of mandates that the kill switch freezes, principal and owner each get one message, which says when they work again', async () => {
  const agent = await world.agent('summed-bot', 'carl', ['okta.mfa.reset']);
  const mandate = await world.mandate('bob', agent, { scopes: ['okta.mfa.reset'] });
  await told('bob', /Mandate for agent summed-bot: Active/);
  await plant(mandate, 250);
  const { id: bob } = await world.person('bob');
  await use('dana', 'freeze_apply', { target: bob });
  const own = await told('bob', /^251 mandates of yours were frozen: the kill switch was used\./);
  expect(words(own)).toContain('agent summed-bot, planted');
  expect(words(own)).toContain('and 246 more.');
  const { displayName } = await world.person('bob');
  await told('carl', new RegExp(`^251 mandates of ${displayName} were frozen: the kill switch was used\\.`));
  for (const who of ['bob', 'carl']) expect(await ofFreezes(who)).toHaveLength(1);
  expect(await world.sql`select from slack_messages where thing like ${`${mandate}\\_%`}`).toHaveLength(0);

  const things = (
    await world.sql<{ id: string }[]>`select id from mandates where agent_id = ${agent.id}`
  ).map((row) => row.id);
  // The same event again, as after a crash: nobody is told twice.
  const queued = { tenant: world.tenantId, fact: 'mandate.frozen', thing: things.slice(0, 100).join(' ') };
  await world.app.queue.send('slack-project', queued);
  await use('dana', 'freeze_lift', { target: bob });
  await told('bob', /^251 mandates of yours were frozen\. 0 of them are frozen now\.$/);
  await told('carl', /251 mandates of .* were frozen\. 0 of them are frozen now\.$/);
  await eventually(
    async () =>
      (
        await world.sql`select from pgboss.job where name = 'slack-project' and state in ('created', 'retry', 'active')`
      ).length === 0,
    'every message is made',
    120_000,
  );
  for (const who of ['bob', 'carl']) expect(await ofFreezes(who)).toHaveLength(1);
}, 600_000);

test('of many requests that a freeze withdraws, whoever made them gets one message', async () => {
  const agent = await world.agent('asking-bot', 'carl', ['okta.mfa.reset']);
  const mandate = await world.mandate('bob', agent, { scopes: ['okta.mfa.reset'] });
  const { id: bob } = await world.person('bob');
  const asked = await world.as(
    {
      kind: 'agent',
      surface: 'mcp',
      agentId: agent.id,
      personId: bob,
      mandateId: mandate,
      scopes: ['okta.mfa.reset'],
      jti: 'test',
    },
    'okta_reset_mfa',
    { person: 'ann@acme.example' },
  );
  if (asked.status !== 'waiting') throw new Error(JSON.stringify(asked));
  await world.sql`insert into calls (tenant_id, id, tool, summary, actor, principal_id, agent_id, mandate_id, targets, input, input_digest, state)
    select tenant_id, id || '_' || lpad(n::text, 6, '0'), tool, summary, actor, principal_id, agent_id, mandate_id, targets, input, input_digest || n, 'waiting'
      from calls, generate_series(1, 60) n where id = ${asked.callId}`;
  await use('dana', 'freeze_apply', { target: agent.id });
  await told('bob', /^61 requests of yours were withdrawn\.$/);
  expect(await world.sql`select from slack_messages where thing like ${`${asked.callId}\\_%`}`).toHaveLength(
    0,
  );
}, 300_000);
