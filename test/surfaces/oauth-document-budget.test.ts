import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { BUDGET } from '#surfaces/oauth/browser/fetch-budget.ts';
import { openWorld, type World } from '../support/world.ts';
import { CLIENT, clientDocument, REDIRECT } from '../support/sign-ins.ts';

let world: World;
let minutes = 0;
let fetched: string[] = [];
let gate: Promise<unknown> = Promise.resolve();
beforeAll(async () => {
  world = await openWorld({
    now: () => new Date(Date.now() + minutes * 60_000),
    oauth: {
      fetch: async (input) => {
        const { url } = new Request(input);
        fetched.push(url);
        await gate;
        if (url === CLIENT) return clientDocument();
        if (url.includes('broken')) throw new TypeError('no such host');
        if (url.includes('wrong')) return Response.json({ client_id: 'https://another.example/x.json' });
        return new Response('', { status: 404 });
      },
    },
  });
});
afterAll(() => world.close());
beforeEach(() => {
  // Each test has its own minute, and so its own budget.
  minutes += 2;
  fetched = [];
  gate = Promise.resolve();
});

const authorize = (client_id: string) =>
  fetch(
    `${world.company.issuer}/oauth2/authorize?${new URLSearchParams({
      client_id,
      response_type: 'code',
      redirect_uri: REDIRECT,
      scope: 'okta.users.read',
      code_challenge: 'x'.repeat(43),
      code_challenge_method: 'S256',
    }).toString()}`,
    { redirect: 'manual' },
  );

test.each(['missing', 'broken', 'wrong'])(
  'an address whose document is %s is asked once a minute, however often it is sent',
  async (what) => {
    const address = `https://${what}.example/client.json`;
    for (let round = 0; round < 5; round += 1) expect((await authorize(address)).status).toBe(400);
    expect(fetched).toEqual([address]);
    minutes += 1;
    await authorize(address);
    expect(fetched).toEqual([address, address]);
  },
);

test('one host is asked for a bounded number of addresses in a minute, and another one is still asked', async () => {
  for (let index = 0; index < BUDGET.perHost + 5; index += 1)
    expect((await authorize(`https://victim.example/${index}.json`)).status).toBe(400);
  expect(fetched).toHaveLength(BUDGET.perHost);
  expect((await authorize(CLIENT)).status).toBe(303);
});

test('so many at once and no more; who asks for an address that is being fetched waits for it', async () => {
  let open = (): void => {};
  gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const hosts = Array.from({ length: BUDGET.atOnce + 4 }, (_, index) => `https://h${index}.example/c.json`);
  const answers = [...hosts, ...hosts.slice(0, 4)].map(authorize);
  // Those beyond the budget are refused while the others still wait.
  const refused = await Promise.race(answers);
  expect(refused.status).toBe(400);
  expect(fetched.length).toBeLessThanOrEqual(BUDGET.atOnce);
  open();
  await Promise.all(answers);
  expect(new Set(fetched).size).toBe(fetched.length);
});
