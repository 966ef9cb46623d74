import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { newId } from '#lib/id.ts';
import { openBareWorld } from '../support/bare-world.ts';
import { exchange, post } from '../support/token-requests.ts';
import { withTokens, type Tenant, type TokenWorld } from '../support/tokens.ts';

/** How much somebody without a credential can make the ledger store. */
let world: TokenWorld;
let tenant: Tenant;
beforeAll(async () => {
  world = await withTokens(await openBareWorld());
});
afterAll(() => world.close());
beforeEach(async () => {
  tenant = await world.tenant();
});

const refusals = async () =>
  (await world.ledgerOf(tenant.id)).filter(({ event }) => event === 'TOKEN_REFUSED');
const things = async () => {
  const rows = await world.sql<{ things: string[] }[]>`
    select things from ledger where tenant_id = ${tenant.id} and event = 'TOKEN_REFUSED'`;
  return [...new Set(rows.flatMap((row) => row.things))];
};

test('a flood of strangers is one entry a reason and their number, whatever ids they make up', async () => {
  const stranger = () => ({
    client_id: newId('agt'),
    client_assertion: 'x.y.z',
    mandate_id: newId('mdt'),
  });
  const answers = await Promise.all(Array.from({ length: 100 }, () => exchange(world, tenant, stranger())));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401]));
  const unreadable = Array.from({ length: 100 }, () =>
    post(
      world.surface,
      `${tenant.issuer}/oauth2/token`,
      new URLSearchParams({ grant_type: newId('msg'), client_id: newId('agt'), mandate_id: newId('mdt') }),
    ),
  );
  expect(new Set((await Promise.all(unreadable)).map(({ status }) => status))).toEqual(new Set([400]));
  const first = await refusals();
  expect(first.map(({ data }) => data['count'])).toEqual([1, 1]);
  await world.kernel.close();
  const all = await refusals();
  expect(all.map(({ data }) => data['count'])).toEqual([1, 1, 99, 99]);
  expect(new Set(all.map(({ actor }) => actor))).toEqual(new Set(['unauthenticated client']));
  expect(await things()).toEqual(['by unauthenticated client']);
});

test('each refusal of an agent that authenticated is an entry of its own, with its ids', async () => {
  for (let nth = 0; nth < 3; nth += 1)
    expect((await exchange(world, tenant, { scope: 'x' })).status).toBe(400);
  const all = await refusals();
  expect(all).toHaveLength(3);
  for (const entry of all)
    expect(entry).toMatchObject({
      actor: tenant.agentId,
      data: { reason: 'scope', client_id: tenant.agentId, mandate_id: tenant.mandateId },
    });
});
