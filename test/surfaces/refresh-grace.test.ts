import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openWorld, type World } from '../support/world.ts';
import { CLIENT, clientDocument, signIns, type SignIns } from '../support/sign-ins.ts';

const OTHER = 'https://other.example/mcp.json';

let world: World;
let go: SignIns;
beforeAll(async () => {
  world = await openWorld({
    oauth: {
      fetch: (input) => {
        const { url } = new Request(input);
        if (url === CLIENT) return Promise.resolve(clientDocument());
        if (url === OTHER) return Promise.resolve(clientDocument({ client_id: OTHER }));
        return Promise.resolve(new Response('', { status: 404 }));
      },
    },
  });
  go = signIns(world);
});
afterAll(() => world.close());

const refresh = (token: string, more: Record<string, string> = {}) =>
  go.redeem({ grant_type: 'refresh_token', refresh_token: token, ...more });
const tokenIn = ({ body }: { body: Record<string, unknown> }) => String(body['refresh_token']);
const works = async (access: unknown) =>
  (
    await fetch(`${world.url}/mcp`, {
      method: 'POST',
      headers: { authorization: `Bearer ${String(access)}`, 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' }),
    })
  ).status;
const unspent = async () =>
  (await world.sql`select from oidc_models where kind = 'RefreshToken' and consumed_at is null`).length;
/** Moves used tokens this far back in time. */
const later = (seconds: number) =>
  world.sql`update oidc_models set consumed_at = consumed_at - make_interval(secs => ${seconds}) where kind = 'RefreshToken'`;

describe('within 30 seconds after it was spent', () => {
  test('two sessions that refresh at once both go on, with the same next token', async () => {
    const { refresh: shared } = await go.signedIn({ person: 'bob' });
    const [one, two] = await Promise.all([refresh(shared), refresh(shared)]);
    expect([one.status, two.status]).toEqual([200, 200]);
    expect(tokenIn(one)).toBe(tokenIn(two));
    expect(await works(one.body['access_token'])).toBe(200);
    expect(await works(two.body['access_token'])).toBe(200);
    expect((await refresh(tokenIn(one))).status).toBe(200);
  });

  test('ten at once get one next token, and it is the only one that is not spent', async () => {
    const before = await unspent();
    const { refresh: shared } = await go.signedIn({ person: 'mona' });
    const answers = await Promise.all(Array.from({ length: 10 }, () => refresh(shared)));
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 200));
    expect(new Set(answers.map(tokenIn)).size).toBe(1);
    expect(await unspent()).toBe(before + 1);
    for (const { body } of answers) expect(await works(body['access_token'])).toBe(200);
  });

  test('a client whose answer was lost asks again and goes on', async () => {
    const { refresh: first } = await go.signedIn({ person: 'ann' });
    const lost = await refresh(first);
    await later(29);
    const again = await refresh(first);
    expect(again.status).toBe(200);
    expect(tokenIn(again)).toBe(tokenIn(lost));
    expect((await refresh(tokenIn(again))).status).toBe(200);
  });

  test('a session that is behind by two gets the newest', async () => {
    const { refresh: first } = await go.signedIn({ person: 'ann' });
    const third = await refresh(tokenIn(await refresh(first)));
    const behind = await refresh(first);
    expect(tokenIn(behind)).toBe(tokenIn(third));
    expect((await refresh(tokenIn(behind))).status).toBe(200);
  });

  test('it answers its own client alone, and no scope that it never had', async () => {
    const { refresh: first } = await go.signedIn({ person: 'ann' });
    const next = await refresh(first);
    expect((await refresh(first, { client_id: OTHER })).body['error']).toBe('invalid_grant');
    expect((await refresh(first, { scope: 'okta.mfa.reset' })).body['error']).toBe('invalid_scope');
    expect((await refresh(tokenIn(next))).status).toBe(200);
  });

  test('a token that the client revoked answers no more', async () => {
    const { refresh: first } = await go.signedIn({ person: 'faye' });
    const next = await refresh(first);
    await fetch(`${world.company.issuer}/oauth2/revoke`, {
      method: 'POST',
      body: new URLSearchParams({ client_id: CLIENT, token: tokenIn(next) }),
    });
    expect((await refresh(first)).body['error']).toBe('invalid_grant');
  });
});

test('after 30 seconds its use ends the family: the newest refresh token and every access token', async () => {
  const { refresh: first } = await go.signedIn({ person: 'carl' });
  const next = await refresh(first);
  await later(30);
  expect((await refresh(first)).body['error']).toBe('invalid_grant');
  expect((await refresh(tokenIn(next))).body['error']).toBe('invalid_grant');
  expect(await works(next.body['access_token'])).toBe(401);
});

test('the next token is kept sealed beside the spent one', async () => {
  const { refresh: first } = await go.signedIn({ person: 'nina' });
  const next = tokenIn(await refresh(first));
  const rows =
    await world.sql`select from oidc_models where payload::text like ${`%${next}%`} or id = ${next}`;
  expect(rows.length).toBe(0);
});
