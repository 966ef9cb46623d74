import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually, openWorld, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

describe('probe', () => {
  test('help', async () => {
    const bob = world.slack.as('bob');
    const a = await bob.types('/okta help');
    console.log(a.status, a.shown, a.ephemerals.map((one) => one.text));
    const b = await bob.types('/okta reset password @ann "lost phone"');
    console.log(JSON.stringify(b, null, 1));
    expect(b.ephemerals).toHaveLength(1);
    const c = await bob.clicks(b.ephemerals[0]!, 'Send request');
    console.log(JSON.stringify(c, null, 1));
    await eventually(async () => (await bob.inbox()).find((one) => one.text.startsWith('Done')), 'DM');
    console.log(JSON.stringify(await bob.inbox(), null, 1), world.logs);
  });
});
