import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { depart } from '#domain/person/depart.ts';
import { transact } from '#engine/transact.ts';
import { syncDirectory } from '#jobs/sync-directory.ts';
import { samplePerson } from '#sandbox/company.ts';
import { slackApprovals, words, type SlackApprovals } from '../support/slack-approvals.ts';
import { openWorld, type World } from '../support/world.ts';

let world: World;
let slack: SlackApprovals;
beforeAll(async () => {
  world = await openWorld();
  slack = slackApprovals(world, await world.agent('deploy-bot', 'carl'));
});
afterAll(() => world.close());

/** The person in the simulated Okta. */
const atOkta = (key: string) => {
  const user = world.okta.org.users.get(samplePerson(key).oktaId);
  if (user === undefined) throw new Error(`no ${key} at Okta`);
  return user;
};

/** A copy of the approval that lists this person among the approvers. */
const naming = (who: string, approvalId: string, name: string) =>
  world.slack
    .as(who)
    .waitsFor(
      (one) =>
        one.ephemeralFor === null &&
        words(one).includes(approvalId) &&
        new RegExp(`Who can approve: .*?${name}`).test(words(one)),
      90_000,
    );

/** Mona, Bob's manager, has left, so an executive decides in her place. */
async function monaLeaves(): Promise<void> {
  const mona = await world.person('mona');
  await world.sql`update people set scim_active = false where id = ${mona.id}`;
  await transact(world.app, world.tenantId, (ctx) =>
    depart(ctx, mona, { actor: 'okta:scim', reason: 'User deprovisioned via SCIM', mandates: 'revoke' }),
  );
}

describe('who becomes an approver while it waits is told then, and the copies that stand name them', () => {
  test('by a new manager', async () => {
    const { approvalId } = await slack.ask();
    await naming('bob', approvalId, 'Mona Patel');
    atOkta('bob').profile['managerId'] = 'faye@acme.example';
    await syncDirectory(world.app, world.tenantId);
    expect(words(await slack.copy('faye', approvalId))).toContain('Approve');
    await naming('bob', approvalId, 'Faye Dubois');
    atOkta('bob').profile['managerId'] = 'mona@acme.example';
    await syncDirectory(world.app, world.tenantId);
  });

  test('by a departure', async () => {
    const { approvalId } = await slack.ask();
    await naming('bob', approvalId, 'Mona Patel');
    await monaLeaves();
    expect(words(await slack.copy('erin', approvalId))).toContain('Approve');
    await naming('bob', approvalId, 'Erin Clarke');
  });

  test('by a membership', async () => {
    const { approvalId } = await slack.ask();
    await naming('bob', approvalId, 'Erin Clarke');
    world.okta.org.groups.get('00gexecutives00000h7')?.members.add(samplePerson('ivan').oktaId);
    await syncDirectory(world.app, world.tenantId);
    expect(words(await slack.copy('ivan', approvalId))).toContain('Approve');
    await naming('bob', approvalId, 'Ivan Novak');
  });
});
