import { afterAll, beforeAll, expect, test } from 'vitest';
import { samplePerson } from '#sandbox/company.ts';
import { eventually, openWorld, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
  const dana = await world.actor('dana');
  const shown = await world.as(dana, 'policy_show', { version: 0 });
  const shipped = shown.status === 'done' ? String(shown.output['text']) : '';
  const carl = await world.person('carl');
  const text = `${shipped}
@id("carl-decides") @adds("requirement") @approval("person:${carl.id}") @reason("Carl decides.")
permit (principal is Person, action == Action::"okta_reset_mfa", resource is Person);
@id("two-who-may-reset") @adds("requirement") @approval("anyone:okta.mfa.reset") @quorum("2") @reason("Two who may reset.")
permit (principal is Person, action == Action::"okta_reset_password", resource is Person);`;
  const set = await world.as(dana, 'policy_set', { text, note: 'approvers who are parties' });
  if (set.status !== 'waiting') throw new Error(JSON.stringify(set));
  await world.vote('ivan', set.approvalId);
  await eventually(async () => (await state(set.callId)) === 'succeeded', 'the policies are in force');
});
afterAll(() => world.close());

const state = async (callId: string) =>
  (await world.sql<{ state: string }[]>`select state from calls where id = ${callId}`)[0]?.state;
const ask = async (key: string, tool: string, target: string) =>
  world.as(await world.actor(key), tool, { person: samplePerson(target).email });

test('law 5: the target never votes, though a policy names them: where nobody else may, it is refused at once', async () => {
  const aboutAnn = await ask('bob', 'okta_reset_mfa', 'ann');
  expect(aboutAnn).toMatchObject({ status: 'waiting' });
  const aboutCarl = await ask('bob', 'okta_reset_mfa', 'carl');
  expect(aboutCarl).toMatchObject({ status: 'denied' });
});

test('law 5: the requester never votes, though they are an approver', async () => {
  const asked = await ask('bob', 'okta_reset_password', 'ann');
  if (asked.status !== 'waiting') throw new Error(JSON.stringify(asked));
  await expect(world.vote('bob', asked.approvalId)).rejects.toMatchObject({ code: 'forbidden' });
  await world.vote('mona', asked.approvalId);
  expect(await state(asked.callId)).toBe('waiting');
  await world.vote('dana', asked.approvalId);
  await eventually(async () => (await state(asked.callId)) === 'succeeded', 'two others agreed');
});

test('law 5: the vote of somebody who is no approver any more counts for nothing', async () => {
  const asked = await ask('bob', 'okta_reset_password', 'carl');
  if (asked.status !== 'waiting') throw new Error(JSON.stringify(asked));
  await world.vote('faye', asked.approvalId);
  const faye = await world.person('faye');
  const removed = await world.sql<{ group_id: string }[]>`
    delete from memberships where person_id = ${faye.id} and group_id in (select id from groups where name = 'Managers') returning group_id`;
  expect(removed).toHaveLength(1);
  await world.vote('mona', asked.approvalId);
  expect(await state(asked.callId)).toBe('waiting');
  expect(await world.sql`select from votes where approval_id = ${asked.approvalId}`).toHaveLength(2);
  await world.vote('dana', asked.approvalId);
  await eventually(async () => (await state(asked.callId)) === 'succeeded', 'two who still may agreed');
});
