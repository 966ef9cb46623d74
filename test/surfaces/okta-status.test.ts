import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PersonStatus } from '#domain/provider.ts';
import { samplePerson } from '#sandbox/company.ts';
import { openWorld, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

const STATUSES: readonly PersonStatus[] = [
  'ACTIVE',
  'STAGED',
  'PROVISIONED',
  'RECOVERY',
  'PASSWORD_EXPIRED',
  'LOCKED_OUT',
  'SUSPENDED',
  'DEPROVISIONED',
];
/** What Okta refuses by status, according to its documentation of the lifecycle. */
const REFUSED: Readonly<Record<string, readonly PersonStatus[]>> = {
  okta_reset_password: ['STAGED', 'SUSPENDED', 'DEPROVISIONED'],
  okta_reset_mfa: ['DEPROVISIONED'],
  // A person whom Okta has already suspended is only held here; Okta is not asked again.
  okta_suspend_user: ['STAGED', 'PROVISIONED', 'RECOVERY', 'PASSWORD_EXPIRED', 'LOCKED_OUT', 'DEPROVISIONED'],
};

test.each(Object.entries(REFUSED))(
  "%s: what the person's status at Okta does not allow is refused before anybody is asked, and Okta is asked for no change",
  async (tool, refused) => {
    const bot = await world.agent(tool.replaceAll('_', '-'), 'dana');
    const tools = { okta_reset_password: 'okta.password.reset', okta_reset_mfa: 'okta.mfa.reset' };
    const scope = tools[tool as keyof typeof tools] ?? 'okta.users.suspend';
    const mandateId = await world.mandate('dana', bot, { scopes: [scope], resources: ['*'] });
    const actor = {
      kind: 'agent',
      surface: 'mcp',
      agentId: bot.id,
      personId: (await world.person('dana')).id,
      mandateId,
      scopes: [scope],
      jti: 'test',
    } as const;
    const nina = world.okta.org.users.get(samplePerson('nina').oktaId)!;
    for (const status of STATUSES) {
      nina.status = status;
      const changes = () =>
        world.okta.requests.filter((one) => one.method === 'POST' && one.path.includes('/lifecycle/'));
      const before = changes().length;
      const answer = await world
        .as(actor, tool, { person: 'nina@acme.example' })
        .catch((error: unknown) => error);
      expect(answer).toMatchObject(
        refused.includes(status)
          ? { code: 'conflict', detail: { reason: 'wrong_status', status } }
          : { status: 'waiting' },
      );
      if ('callId' in (answer as object)) {
        const [waiting] =
          await world.sql`select id from approvals where call_id = ${(answer as { callId: string }).callId}`;
        await world.as(actor, 'approval_cancel', { approval_id: waiting!['id'] });
      }
      expect(changes()).toHaveLength(before);
    }
    nina.status = 'ACTIVE';
    const rows = await world.sql`select 1 from calls where tool = ${tool}`;
    expect(rows).toHaveLength(STATUSES.length - refused.length);
  },
  60_000,
);

test('somebody whom Okta has suspended already is held here, and Okta is not asked to do it again', async () => {
  const outcome = await world.as(
    await world.actor('ivan'),
    'okta_suspend_user',
    { person: 'otto@acme.example' },
    { waitMs: 15_000 },
  );
  expect(outcome).toMatchObject({ status: 'done', output: { status: 'SUSPENDED' } });
  expect(
    world.okta.requests.filter((one) =>
      one.path.includes(`${samplePerson('otto').oktaId}/lifecycle/suspend`),
    ),
  ).toEqual([]);
});
