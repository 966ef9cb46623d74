import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { STRANGERS_ROWS } from '#domain/sign-in/store.ts';
import { Browser, pkce } from '../support/browser.ts';
import { openWorld, type World } from '../support/world.ts';
import { CLIENT, clientDocument, REDIRECT, signIns, type SignIns } from '../support/sign-ins.ts';

let world: World;
let flows: SignIns;
let issuer: string;
beforeAll(async () => {
  world = await openWorld({ oauth: { fetch: () => Promise.resolve(clientDocument()) } });
  flows = signIns(world);
  ({ issuer } = world.company);
});
afterAll(() => world.close());
beforeEach(async () => {
  await world.sql`delete from oidc_models`;
});

/** The authorization request of a client. */
const query = () =>
  new URLSearchParams({
    client_id: CLIENT,
    response_type: 'code',
    redirect_uri: REDIRECT,
    scope: 'okta.users.read',
    code_challenge: pkce().challenge,
    code_challenge_method: 'S256',
  });

test('who signs out of the browser is asked anew who they are; their clients stay signed in', async () => {
  const browser = new Browser();
  const { refresh } = await flows.signedIn({ browser, person: 'ann' });
  const known = await flows.toConsent({ browser, query: { scope: 'okta.users.read okta.mfa.reset' } });
  expect(known.page.text).toContain('ann@acme.example');
  const link = /<a href="([^"]*)">Sign out<\/a>/.exec(known.page.text)?.[1] ?? '';
  const page = await browser.go(link, 'nowhere:');
  expect(page.text).not.toContain('<script');
  const out = await browser.press(page, { name: 'logout', value: 'yes' }, 'nowhere:');
  expect(out.text).toContain('You are signed out');
  expect(await world.sql`select id from oidc_models where kind = 'Session'`).toHaveLength(0);
  // Okta still has Ann's session in this browser but must ask again, since another person is using it.
  const next = await flows.toConsent({ browser, person: 'carl' });
  expect(next.page.text).toContain('carl@acme.example');
  expect((await flows.redeem({ grant_type: 'refresh_token', refresh_token: refresh })).status).toBe(200);
  // Only once, until somebody has signed in.
  await world.sql`delete from oidc_models where kind = 'Session'`;
  const silent = await browser.go(`${issuer}/oauth2/authorize?${query().toString()}`, REDIRECT);
  expect(silent.url.pathname).toContain('/oauth2/interaction/');
  expect(silent.text).toContain('carl@acme.example');
});

test('nobody is signed out by a link, nor sent anywhere that a link names', async () => {
  const browser = new Browser();
  await flows.signedIn({ browser, person: 'ann' });
  const there = 'https://evil.example/';
  const link = new URLSearchParams({ client_id: CLIENT, post_logout_redirect_uri: there });
  const page = await browser.go(`${issuer}/oauth2/session/end?${link.toString()}`, there);
  expect(page.text).toContain('Sign out of this browser?');
  expect(await world.sql`select id from oidc_models where kind = 'Session'`).toHaveLength(1);
  const out = await browser.press(page, { name: 'logout', value: 'yes' }, there);
  expect(out.url.href).toMatch(/\/oauth2\/session\/end\/success$/);
});

test('what strangers begin is bounded: the oldest goes, and nothing that a person has signed in to', async () => {
  const plant = (first: number, count: number, payload: string) => world.sql`
    insert into oidc_models (tenant_id, kind, id, payload, expires_at)
    select ${world.tenantId}, 'Interaction', 'planted-' || n, ${payload}::text::jsonb, now() + interval '5 minutes' + n * interval '1 millisecond'
    from generate_series(${first}::int, ${first + count - 1}::int) as n`;
  await plant(1, 10, '{"session":{"accountId":"oidc:okta:someone"}}');
  await plant(11, STRANGERS_ROWS + 20, '{}');
  for (let time = 0; time < 50; time += 1)
    expect(
      (await fetch(`${issuer}/oauth2/authorize?${query().toString()}`, { redirect: 'manual' })).status,
    ).toBe(303);
  const left = await world.sql<{ id: string }[]>`
    select id from oidc_models where kind = 'Interaction' and id like 'planted-%'`;
  const numbers = new Set(left.map(({ id }) => Number(id.slice(8))));
  for (let kept = 1; kept <= 10; kept += 1)
    expect({ kept, is: numbers.has(kept) }).toEqual({ kept, is: true });
  for (let gone = 11; gone <= 30; gone += 1)
    expect({ gone, is: numbers.has(gone) }).toEqual({ gone, is: false });
  const [all] = await world.sql`select count(*)::int as n from oidc_models where kind = 'Interaction'`;
  expect(all?.['n']).toBeLessThanOrEqual(STRANGERS_ROWS + 10 + 50);
}, 60_000);
