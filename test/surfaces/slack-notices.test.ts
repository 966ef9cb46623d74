import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TenantWriter } from '#domain/context.ts';
import { freezeMandates } from '#domain/mandate/freeze.ts';
import { depart } from '#domain/person/depart.ts';
import { findPerson, type Person } from '#domain/person/store.ts';
import { suspendHere } from '#domain/person/suspend.ts';
import { transact } from '#engine/transact.ts';
import { words } from '../support/slack-approvals.ts';
import { openWorld, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

const notices = async (who: string, mandateId: string) =>
  (await world.slack.as(who).inbox())
    .filter((one) => words(one).includes(mandateId) && one.text.startsWith('The mandate for agent'))
    .map((one) => one.text);
const told = (who: string, mandateId: string, text: RegExp) =>
  world.slack
    .as(who)
    .waitsFor(
      (one) => one.ephemeralFor === null && words(one).includes(mandateId) && text.test(one.text),
      90_000,
    );
const use = async (key: string, tool: string, input: Record<string, unknown>) => {
  const outcome = await world.as(await world.actor(key), tool, input);
  expect(outcome).toMatchObject({ status: 'done' });
};
let count = 0;
async function given(terms: Record<string, unknown> = {}) {
  count += 1;
  const agent = await world.agent(`notice-bot-${count}`, 'carl');
  return { agent, mandateId: await world.mandate('bob', agent, terms) };
}

const newKey = () =>
  JSON.stringify(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' }));
const ofBob = async (change: (ctx: TenantWriter, bob: Person) => Promise<unknown>) => {
  const { id } = await world.person('bob');
  await transact(world.app, world.tenantId, async (ctx) => {
    const bob = await findPerson(ctx, id, 'update');
    if (bob !== null) await change(ctx, bob);
  });
};

describe('whoever gave a mandate, and who owns its agent, are told once when it stands still or ends', () => {
  type Given = Awaited<ReturnType<typeof given>>;
  const ways: [string, RegExp, (of: Given) => Promise<unknown>][] = [
    [
      'it is frozen by hand',
      /is frozen: someone other than the person who gave it froze it/,
      ({ mandateId }) => use('dana', 'mandate_freeze', { mandate_id: mandateId }),
    ],
    [
      'it is revoked',
      /is revoked: no more/,
      ({ mandateId }) => use('dana', 'mandate_revoke', { mandate_id: mandateId, reason: 'no more' }),
    ],
    [
      'the kill switch takes its agent',
      /is frozen: the kill switch was used/,
      ({ agent }) => use('dana', 'freeze_apply', { target: agent.name }),
    ],
    [
      'its agent gets other keys',
      /is frozen: the agent's keys or owner changed/,
      ({ agent }) => use('carl', 'agent_rotate_key', { agent: agent.name, public_key: newKey() }),
    ],
    [
      'its time is over',
      /is expired/,
      async ({ mandateId }) => {
        await world.sql`update mandates set expires_at = now() where id = ${mandateId}`;
        await world.app.queue.send('expire-mandate', { tenant: world.tenantId, mandate: mandateId });
      },
    ],
    [
      'groups do not carry it any more',
      /is frozen: the groups of the person/,
      ({ mandateId }) =>
        transact(world.app, world.tenantId, async (ctx) => {
          await freezeMandates(ctx, [mandateId], 'authority_lost', 'okta:sync');
        }),
    ],
    [
      'its principal is suspended',
      /is frozen: the person who gave it is suspended/,
      () => ofBob((ctx, bob) => suspendHere(ctx, bob.id, 'okta:event-hook')),
    ],
    [
      'its principal leaves',
      /is revoked: gone/,
      () => ofBob((ctx, bob) => depart(ctx, bob, { actor: 'okta:scim', reason: 'gone', mandates: 'revoke' })),
    ],
  ];
  test.each(ways)('when %s', async (_, text, happens) => {
    const one = await given();
    await happens(one);
    for (const who of ['bob', 'carl']) {
      await told(who, one.mandateId, text);
      expect(await notices(who, one.mandateId)).toHaveLength(1);
    }
    await restored();
  });
});

/** Makes Bob active again, whatever a test has done to him. */
async function restored(): Promise<void> {
  const { id } = await world.person('bob');
  await world.sql`update people set status = 'ACTIVE', scim_active = null, held = false where id = ${id}`;
}

test('frozen again after it has thawed, it is told again, and the first notice says that it is over', async () => {
  const { mandateId } = await given();
  await use('bob', 'mandate_freeze', { mandate_id: mandateId });
  await told('bob', mandateId, /is frozen: the person who gave it froze it/);
  await use('bob', 'mandate_thaw', { mandate_id: mandateId });
  await told('bob', mandateId, /was frozen for a while. It is active now/);
  await use('bob', 'mandate_freeze', { mandate_id: mandateId });
  await told('bob', mandateId, /is frozen: the person who gave it froze it/);
  expect((await notices('bob', mandateId)).toSorted()).toEqual([
    expect.stringMatching(/is frozen: /),
    expect.stringMatching(/was frozen for a while. It is frozen now/),
  ]);
});

test('what is narrowed or renewed shows its new bounds in the message that stands', async () => {
  const { mandateId } = await given();
  const card = () =>
    world.slack.as('bob').waitsFor((one) => words(one).includes(`/mandate revoke ${mandateId}`));
  expect(words(await card())).toContain('okta.password.reset');
  await use('bob', 'mandate_narrow', { mandate_id: mandateId, scopes: ['okta.mfa.reset'] });
  await world.slack
    .as('bob')
    .waitsFor(
      (one) =>
        words(one).includes(`/mandate revoke ${mandateId}`) && !words(one).includes('okta.password.reset'),
    );
});

test('the manager to whom an agent is offered takes it over with a button, and reads when the offer is over', async () => {
  const { agent } = await given();
  const bob = world.slack.as('bob');
  const { id } = await world.person('carl');
  await transact(world.app, world.tenantId, async (ctx) => {
    const carl = await findPerson(ctx, id, 'update');
    if (carl === null) throw new Error('Carl is not there');
    await depart(ctx, carl, { actor: 'okta:scim', reason: 'gone', mandates: 'revoke' });
  });
  await world.sql`update people set scim_active = false where id = ${id}`;
  const offer = await bob.waitsFor(
    (one) => one.text.includes(`agent ${agent.name}, is gone`) && words(one).includes('prokura.take_over'),
  );
  await bob.clicks(offer, 'Adopt this agent');
  const card = await bob.waitsFor(
    (one) => one.ephemeralFor !== null && one.text.startsWith('You are about to '),
  );
  expect(card.text).toContain(agent.name);
  const owner = async () =>
    (await world.sql<{ owner_id: string }[]>`select owner_id from agents where id = ${agent.id}`)[0]
      ?.owner_id;
  expect(await owner()).toBe(id);
  await bob.clicks(card, 'Send request');
  const over = await bob.waitsFor(
    (one) => one.ts === offer.ts && one.text.includes('is no longer offered to you'),
  );
  expect(over.text).toContain('Bob Meyer is its owner');
  expect(words(over)).not.toContain('prokura.take_over');
  expect(await owner()).toBe((await world.person('bob')).id);
  await bob.clicks(offer, 'Adopt this agent', { staleCopy: offer });
  await bob.waitsFor((one) => one.ephemeralFor !== null && one.text.includes('not offered to you any more'));
});
