import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { pkce } from '../support/browser.ts';
import { openWorld, type World } from '../support/world.ts';
import { REDIRECT, signIns, type SignIns } from '../support/sign-ins.ts';

/** Clients that register themselves (RFC 7591): what strangers leave behind is limited. */
let world: World;
let flows: SignIns;
beforeAll(async () => {
  world = await openWorld({ oauth: { dynamicRegistration: true } });
  flows = signIns(world);
}, 120_000);
afterAll(() => world.close());
beforeEach(async () => {
  await world.sql`delete from oidc_models`;
});

const HOUR_MS = 3_600_000;
const DAYS_29 = 29 * 24 * HOUR_MS;

async function register(
  client_name = 'Registered',
): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(`${world.url}/t/${world.tenantId}/oauth2/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      client_name,
      redirect_uris: [REDIRECT],
      grant_types: ['authorization_code', 'refresh_token'],
      token_endpoint_auth_method: 'none',
    }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}
const rows = () => world.sql<{ kind: string; expires_at: Date | null }[]>`
  select kind, expires_at from oidc_models where kind in ('Client', 'RegistrationAccessToken') order by kind`;
const plant = (count: number) => world.sql`
  insert into oidc_models (tenant_id, kind, id, payload, expires_at)
  select ${world.tenantId}, 'Client', 'planted-' || n, '{}', now() + interval '1 hour' from generate_series(1, ${count}::int) as n`;

test('a registration ends after a day, and with a grant when the grant ends', async () => {
  const { status, body } = await register();
  expect(status).toBe(201);
  const inTime = async (least: number, most: number) => {
    for (const { expires_at: end } of await rows()) {
      const left = (end?.getTime() ?? Infinity) - Date.now();
      expect({ least, left, fits: left > least && left <= most }).toMatchObject({ fits: true });
    }
  };
  expect((await rows()).map(({ kind }) => kind)).toEqual(['Client', 'RegistrationAccessToken']);
  await inTime(23 * HOUR_MS, 24 * HOUR_MS);
  const query = { client_id: String(body['client_id']) };
  const { code } = await flows.toCode({ query });
  expect(code).not.toBe('');
  await inTime(DAYS_29, DAYS_29 + 24 * HOUR_MS);
  const listed = await world.as(await world.actor('mona'), 'client_list', {});
  expect(listed).toMatchObject({
    output: {
      clients: [{ summary: expect.stringMatching(/^Registered \(.+\) can act for Mona/) as string }],
    },
  });
}, 60_000);

test('one whose end has come is no client any more', async () => {
  const { body } = await register();
  await world.sql`update oidc_models set expires_at = now() - interval '1 second' where kind = 'Client'`;
  const { page } = await flows.toConsent({ query: { client_id: String(body['client_id']) } });
  expect(page.status).toBe(400);
}, 60_000);

test('an organisation has a thousand registered clients at most, however many ask at once', async () => {
  await plant(999);
  const answers = await Promise.all(Array.from({ length: 5 }, () => register()));
  expect(answers.map(({ status }) => status).toSorted((one, other) => one - other)).toEqual([
    201, 400, 400, 400, 400,
  ]);
  expect(answers.find(({ status }) => status === 400)?.body).toMatchObject({
    error: 'temporarily_unavailable',
  });
  const [row] = await world.sql`select count(*)::int as n from oidc_models where kind = 'Client'`;
  expect(row).toEqual({ n: 1000 });
}, 60_000);

test('NUL or broken text in a registration, or in a pushed request, is 400; nothing is kept', async () => {
  const before = world.logs.length;
  for (const name of ['a\0b', 'a\ud800b'])
    expect(await register(name)).toMatchObject({
      status: 400,
      body: { error: 'invalid_client_metadata' },
    });
  expect(await rows()).toHaveLength(0);
  const { body } = await register();
  const pushed = await fetch(`${world.url}/t/${world.tenantId}/oauth2/par`, {
    method: 'POST',
    body: new URLSearchParams({
      client_id: String(body['client_id']),
      response_type: 'code',
      redirect_uri: REDIRECT,
      scope: 'okta.users.read',
      state: 'a\0b',
      code_challenge: pkce().challenge,
      code_challenge_method: 'S256',
    }),
  });
  expect(pushed.status).toBe(400);
  expect(await pushed.json()).toMatchObject({ error: 'invalid_request' });
  expect(world.logs.slice(before).filter((line) => Number(line['level']) >= 50)).toEqual([]);
});
