import { afterAll, beforeAll, expect, test } from 'vitest';
import { decodeJwt } from 'jose';
import { exchange, openWorld, type World } from '../unit/domain/token/world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
}, 60_000);
afterAll(() => world.close());

test('an exchange gives a token', async () => {
  const tenant = await world.tenant();
  const answer = await exchange(world, tenant);
  console.log(answer.status, answer.body, world.logs.at(-1));
  expect(answer.status).toBe(200);
  console.log(decodeJwt(String(answer.body['access_token'])), await world.ledger(tenant.id));
  console.log(await world.kernel.verify(String(answer.body['access_token']), 'https://prokura.test/mcp'));
});
