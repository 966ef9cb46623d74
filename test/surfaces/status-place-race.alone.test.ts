import type * as NodeCrypto from 'node:crypto';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { LIST_PLACES, placeOf } from '#domain/mandate/status-place.ts';
import { transact } from '#engine/transact.ts';
import { eventually, openWorld, type World } from '../support/world.ts';

/** The places that are drawn next. If empty, they are random. */
const drawn: number[] = [];
vi.mock('node:crypto', async (original) => {
  const real = await original<typeof NodeCrypto>();
  return {
    ...real,
    randomInt: (...range: [number]) =>
      (range[0] === LIST_PLACES ? drawn.shift() : undefined) ?? real.randomInt(...range),
  };
});

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

test('two mandates that draw the same place at once both get one, and not the same', async () => {
  const agent = await world.agent('race-bot', 'carl');
  const ids = [
    await world.mandate('carl', agent, { scopes: ['okta.users.read'] }),
    await world.mandate('carl', agent, { scopes: ['okta.users.read'] }),
  ];
  await world.sql`update mandates set status_index = null where id = any(${ids})`;
  drawn.push(4711, 4711, 4712);
  const places = await Promise.all(
    ids.map((id) =>
      transact(world.app, world.tenantId, async (ctx) => {
        const place = await placeOf(ctx, id);
        // The other one draws the same place before this one commits.
        await eventually(async () => drawn.length < 2, 'the other one has drawn');
        return place;
      }),
    ),
  );
  expect(new Set(places)).toEqual(new Set([4711, 4712]));
  const rows = await world.sql<
    { place: number }[]
  >`select status_index as place from mandates where id = any(${ids}) order by 1`;
  expect(rows.map(({ place }) => place)).toEqual([4711, 4712]);
});
