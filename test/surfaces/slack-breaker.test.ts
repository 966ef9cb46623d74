import { afterAll, beforeAll, expect, test } from 'vitest';
import { depart } from '#domain/person/depart.ts';
import { findPerson } from '#domain/person/store.ts';
import { transact } from '#engine/transact.ts';
import { words } from '../support/slack-approvals.ts';
import { openWorld, type World } from '../support/world.ts';
import { delegate } from '../support/scim.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
  await world.sql`update tenants set settings = settings || '{"breaker":{"people":1,"seconds":600}}'`;
  for (const key of ['nina', 'carl', 'ann', 'bob']) {
    const { id } = await world.person(key);
    await transact(world.app, world.tenantId, (ctx) => delegate(ctx, id, 2));
  }
});
afterAll(() => world.close());

async function leaves(key: string): Promise<void> {
  const { id } = await world.person(key);
  await world.sql`update people set scim_active = false where id = ${id}`;
  await transact(world.app, world.tenantId, async (ctx) => {
    const person = await findPerson(ctx, id, 'update');
    if (person === null) throw new Error(`no ${key}`);
    await depart(ctx, person, {
      actor: 'okta:scim',
      reason: 'User deprovisioned via SCIM',
      mandates: 'revoke',
    });
  });
}
const told = (who: string, text: RegExp) =>
  world.slack.as(who).waitsFor((one) => one.ephemeralFor === null && text.test(one.text), 90_000);
const alone = (who: string, text: RegExp) =>
  world.slack.as(who).waitsFor((one) => one.ephemeralFor !== null && text.test(one.text), 90_000);
const messages = async (who: string) =>
  (await world.slack.as(who).inbox()).filter((one) => one.text.startsWith('Mass-change breaker'));
const states = async () =>
  (await world.sql<{ state: string }[]>`select state from breaker_holds order by id`).map(
    ({ state }) => state,
  );

test('one message for a burst tells every IT admin, and nobody else, what happened, whom it hits and what to do', async () => {
  for (const key of ['nina', 'carl', 'ann', 'bob']) await leaves(key);
  for (const admin of ['dana', 'ivan']) {
    const seen = await told(
      admin,
      /^Mass-change breaker: the revocation for 3 people waits for you: 6 mandates/,
    );
    for (const part of [
      'okta:scim removed people: User deprovisioned via SCIM',
      'more than 1 person within 10 minutes',
      'Ann Lee, Bob Meyer, Carl Jensen',
      '0 of them',
      'If this was intended',
    ])
      expect(words(seen)).toContain(part);
    expect(await messages(admin)).toHaveLength(1);
  }
  for (const other of ['mona', 'bob', 'erin']) expect(await messages(other)).toEqual([]);
});

test('Dismiss asks about those who are active again, and says where nobody is', async () => {
  const dana = world.slack.as('dana');
  const seen = await told('dana', /^Mass-change breaker: the revocation for 3/);
  await dana.clicks(seen, 'Dismiss revocations');
  await alone('dana', /None of them is active again/);
  await world.sql`update people set scim_active = true where id = ${(await world.person('ann')).id}`;
  await dana.clicks(seen, 'Dismiss revocations', { staleCopy: seen });
  const card = await alone('dana', /^You are about to dismiss held revocations for Ann Lee$/);
  expect(await states()).toEqual(['held', 'held', 'held']);
  await dana.clicks(card, 'Send request');
  await told('ivan', /^Mass-change breaker: the revocation for 2 people waits for you: 4 mandates/);
  expect((await states()).toSorted()).toEqual(['dismissed', 'held', 'held']);
});

test('Carry out asks another IT admin; once it is decided the message says so and has no button', async () => {
  const [dana, ivan] = [world.slack.as('dana'), world.slack.as('ivan')];
  const seen = await told('dana', /^Mass-change breaker: the revocation for 2/);
  await dana.clicks(seen, 'Carry out revocations');
  const card = await alone('dana', /^You are about to .* held revocations for/);
  await dana.clicks(card, 'Send request');
  const asked = await told('ivan', /^Approval needed: .* held revocations for/);
  expect(await states()).toContain('held');
  await ivan.clicks(asked, 'Approve');
  for (const admin of ['dana', 'ivan']) {
    const after = await told(admin, /^Mass-change breaker: decided \(2 carried out, 1 dismissed\)/);
    expect(words(after)).not.toContain('prokura.carry_out');
    expect(await messages(admin)).toHaveLength(1);
  }
});

test('somebody who is no IT admin learns no names from a copied button', async () => {
  const [{ burst } = { burst: '' }] = await world.sql<
    { burst: string }[]
  >`select burst from breaker_holds limit 1`;
  const faye = world.slack.as('faye');
  const anchor = (await faye.types('/approval help')).ephemerals.at(-1);
  if (anchor === undefined) throw new Error('nothing to click on');
  const blocks = [
    {
      type: 'actions',
      elements: [
        {
          type: 'button',
          text: { type: 'plain_text', text: 'X' },
          action_id: 'prokura.carry_out',
          value: burst,
        },
      ],
    },
  ] as unknown as typeof anchor.blocks;
  await faye.clicks(anchor, 'prokura.carry_out', { staleCopy: { ...anchor, blocks } });
  const told = await alone('faye', /Only IT admins/);
  expect(told.text).not.toContain('Meyer');
});

test('the next burst of the same source is told in a message of its own', async () => {
  const { id } = await world.person('mona');
  await transact(world.app, world.tenantId, (ctx) => delegate(ctx, id, 1));
  await leaves('mona');
  await told('dana', /^Mass-change breaker: the revocation for 1 person waits for you: 1 mandate/);
  expect(await messages('dana')).toHaveLength(2);
});
