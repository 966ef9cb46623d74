import { afterAll, beforeAll, expect, test } from 'vitest';
import { depart } from '#domain/person/depart.ts';
import { transact } from '#engine/transact.ts';
import { slackApprovals, words, type SlackApprovals } from '../support/slack-approvals.ts';
import { eventually, openWorld, type World } from '../support/world.ts';

let world: World;
let slack: SlackApprovals;
beforeAll(async () => {
  world = await openWorld();
  slack = slackApprovals(world, await world.agent('deploy-bot', 'carl'));
});
afterAll(() => world.close());

test('who becomes an approver while it waits is told then, and every card names who can approve now', async () => {
  const { approvalId } = await slack.ask();
  expect(words(await slack.copy('mona', approvalId))).toContain('Who can approve: Mona Patel');
  const mona = await world.person('mona');
  await world.sql`update people set scim_active = false where id = ${mona.id}`;
  await transact(world.app, world.tenantId, (ctx) =>
    depart(ctx, mona, { actor: 'okta:scim', reason: 'User deprovisioned via SCIM', mandates: 'revoke' }),
  );
  for (const who of ['dana', 'ivan'])
    expect(words(await slack.copy(who, approvalId))).toContain('Approve');
  await eventually(
    async () => /Who can approve: Dana [^"]*, Ivan/.test(words(await slack.copy('bob', approvalId))),
    'the card of the requester names the new approvers',
  );
});
