import { afterAll, beforeAll, expect, test } from 'vitest';
import { actorOf } from '../../src/surfaces/mcp/run-tool.ts';
import { eventually, openWorld, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

const row = async (id: string) =>
  (
    await world.sql<
      { state: string; reason: string | null }[]
    >`select state, reason from mandates where id = ${id}`
  )[0];
const as = async (who: string, tool: string, input: unknown) => world.as(await world.actor(who), tool, input);
/** The owner rotates the key of their agent. */
async function rotated(owner: string, agentId: string): Promise<void> {
  const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, [
    'sign',
    'verify',
  ]);
  const public_key = JSON.stringify(await crypto.subtle.exportKey('jwk', pair.publicKey));
  expect((await as(owner, 'agent_rotate_key', { agent: agentId, public_key })).status).toBe('done');
}

test('an agent that is given away takes no mandate along: the mover’s own freezes too, and confirming asks what giving asks', async () => {
  const faye = await world.agent('faye-bot', 'faye');
  const mandate = await world.mandate('faye', faye, { scopes: ['okta.users.read'] });
  expect((await world.exchange(faye, 'faye', mandate)).status).toBe(200);
  const moved = await as('faye', 'agent_transfer', { agent: faye.id, owner: 'carl@acme.example' });
  expect(moved).toMatchObject({ status: 'done', output: { frozen: [mandate] } });
  expect(await row(mandate)).toEqual({ state: 'frozen', reason: 'credentials_changed' });
  expect((await world.exchange(faye, 'faye', mandate)).status).not.toBe(200);
  // Faye could not have given this mandate to Carl's agent, so she cannot confirm it.
  expect(await as('faye', 'mandate_confirm', { mandate_id: mandate })).toMatchObject({
    status: 'denied',
    denial: { code: 'no_policy_allows' },
  });
  expect((await row(mandate))?.state).toBe('frozen');
});

test('the new owner’s own mandates go on', async () => {
  const bot = await world.agent('carls-next-bot', 'carl');
  const bobs = await world.mandate('bob', bot, { scopes: ['okta.users.read'] });
  expect(await as('carl', 'agent_transfer', { agent: bot.id, owner: 'bob@acme.example' })).toMatchObject({
    output: { frozen: [] },
  });
  expect((await row(bobs))?.state).toBe('active');
});

test('whoever must agree to giving must agree to confirming, to the credentials that they saw', async () => {
  const carls = await world.agent('carl-bot', 'carl');
  const mandate = await world.mandate('bob', carls);
  await rotated('carl', carls.id);
  expect(await row(mandate)).toEqual({ state: 'frozen', reason: 'credentials_changed' });
  const first = await as('bob', 'mandate_confirm', { mandate_id: mandate });
  if (first.status !== 'waiting') throw new Error(JSON.stringify(first));
  expect((await row(mandate))?.state).toBe('frozen');
  await rotated('carl', carls.id);
  await world.vote('mona', first.approvalId);
  const next = await eventually(
    async () =>
      (
        await world.sql<
          { approval_id: string }[]
        >`select n.approval_id from calls c join calls n on n.id = c.successor_id
          where c.id = ${first.callId} and c.state = 'superseded'`
      )[0],
    'it is asked again for the newer credentials',
  );
  expect((await row(mandate))?.state).toBe('frozen');
  await world.vote('mona', next.approval_id);
  await eventually(async () => (await row(mandate))?.state === 'active', 'it is confirmed');
});

test('handing on to an agent that somebody else owns waits for the manager, to one’s own for nobody', async () => {
  const [one, own, ivans] = [
    await world.agent('hand-one', 'bob'),
    await world.agent('hand-own', 'bob'),
    await world.agent('hand-ivan', 'ivan'),
  ];
  const mandate = await world.mandate('bob', one, { may_delegate: 2 });
  const token = await world.token(one, 'bob', mandate);
  const actor = actorOf(await world.server.kernel.verify(token, `${world.app.baseUrl}/mcp`));
  expect(await world.as(actor, 'mandate_delegate', { agent: own.id, purpose: 'own' })).toMatchObject({
    status: 'done',
  });
  const asked = await world.as(actor, 'mandate_delegate', { agent: ivans.id, purpose: 'to Ivan' });
  if (asked.status !== 'waiting') throw new Error(JSON.stringify(asked));
  const children = async () =>
    (await world.sql`select id from mandates where parent_id = ${mandate} and agent_id = ${ivans.id}`).length;
  expect(await children()).toBe(0);
  for (const party of ['bob', 'ivan'])
    await expect(world.vote(party, asked.approvalId)).rejects.toMatchObject({ code: 'forbidden' });
  await world.vote('mona', asked.approvalId);
  await eventually(async () => (await children()) === 1, 'Mona agreed');
});
