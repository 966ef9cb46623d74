import { decodeJwt } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { samplePerson } from '#sandbox/company.ts';
import {
  SANDBOX_WEB_CLIENT_ID,
  SANDBOX_WEB_CLIENT_SECRET,
  startOktaSimulator,
  type OktaSimulator,
} from '#sandbox/okta/index.ts';
import { Browser, pkce, type Page } from '../support/browser.ts';

const REDIRECT = 'http://127.0.0.1:9/oauth2/callback';
const TWO_FACTORS = 'urn:okta:loa:2fa:any';
let sim: OktaSimulator;
let clock = 0;

beforeAll(async () => {
  sim = await startOktaSimulator({ now: () => Date.now() + clock });
});
afterAll(() => sim.close());

const { verifier, challenge } = pkce();

/** Requests a sign-in in this browser. Returns a page of Okta's, or the redirect with its answer. */
function asks(browser: Browser, more: Record<string, string> = {}): Promise<Page> {
  const query = new URLSearchParams({
    client_id: SANDBOX_WEB_CLIENT_ID,
    redirect_uri: REDIRECT,
    response_type: 'code',
    scope: 'openid',
    code_challenge: challenge,
    code_challenge_method: 'S256',
    ...more,
  });
  return browser.go(`${sim.url}/oauth2/default/v1/authorize?${query.toString()}`, REDIRECT);
}
const picks = (browser: Browser, page: Page, who: string): Promise<Page> =>
  browser.press(page, { name: 'login', value: samplePerson(who).email }, REDIRECT);

/** The ID token's claims about the sign-in, for the answer that the browser brought back. */
async function claims({ url }: Page): Promise<Record<string, unknown>> {
  const response = await fetch(`${sim.url}/oauth2/default/v1/token`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from(`${SANDBOX_WEB_CLIENT_ID}:${SANDBOX_WEB_CLIENT_SECRET}`).toString('base64')}`,
    },
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      code: url.searchParams.get('code') ?? '',
      redirect_uri: REDIRECT,
      code_verifier: verifier,
    }),
  });
  const { id_token } = (await response.json()) as { id_token: string };
  const { sub, acr, amr, auth_time } = decodeJwt(id_token);
  return { sub, acr, amr, auth_time };
}

test('a browser that has signed in is not asked again, and the ID token says when and how it was', async () => {
  const browser = new Browser();
  const first = await claims(await picks(browser, await asks(browser), 'ann'));
  expect(first).toMatchObject({ sub: samplePerson('ann').oktaId, acr: undefined, amr: ['pwd'] });
  clock += 60_000;
  expect(await claims(await asks(browser))).toEqual(first);
  expect(await claims(await asks(browser, { max_age: '120' }))).toEqual(first);
});

test('max_age that has passed, max_age=0 and prompt=login ask anew, and auth_time moves', async () => {
  const browser = new Browser();
  const first = await claims(await picks(browser, await asks(browser), 'ann'));
  clock += 60_000;
  for (const more of [{ max_age: '30' }, { max_age: '0' }, { prompt: 'login' }]) {
    const page = await asks(browser, more);
    expect(page.text).toContain('Sign in as');
    const later = await claims(await picks(browser, page, 'ann'));
    expect(Number(later['auth_time'])).toBeGreaterThanOrEqual(Number(first['auth_time']) + 60);
  }
});

test('two factors ask for one that the person has; the ID token says which, and a session with fewer does not do', async () => {
  const browser = new Browser();
  await picks(browser, await asks(browser), 'ann');
  const factors = await picks(browser, await asks(browser, { acr_values: TWO_FACTORS }), 'ann');
  expect(factors.text).toContain('second factor');
  const done = await browser.press(factors, { name: 'factor', value: 'webauthn' }, REDIRECT);
  expect(await claims(done)).toMatchObject({ acr: TWO_FACTORS, amr: ['mfa', 'hwk', 'pwd'] });
  // A level that Okta does not know is ignored, as if none had been requested.
  expect(await claims(await asks(browser, { acr_values: 'urn:nobody:knows' }))).toMatchObject({
    acr: undefined,
  });
});

test('whoever has no second factor, or names one of somebody else, is sent back with an error', async () => {
  const dana = sim.org.users.get(samplePerson('dana').oktaId);
  if (dana === undefined) throw new Error('no Dana');
  const [browser, other] = [new Browser(), new Browser()];
  const factors = await picks(other, await asks(other, { acr_values: TWO_FACTORS }), 'dana');
  const wrong = await other.press(factors, { name: 'factor', value: 'webauthn' }, REDIRECT);
  expect(wrong.url.searchParams.get('error')).toBe('access_denied');
  dana.factors = [];
  const back = await picks(browser, await asks(browser, { acr_values: TWO_FACTORS }), 'dana');
  expect(back.url.searchParams.get('error')).toBe('unmet_authentication_requirements');
});

test('a session that Okta has ended signs nobody in', async () => {
  const browser = new Browser();
  await picks(browser, await asks(browser), 'carl');
  const carl = sim.org.users.get(samplePerson('carl').oktaId);
  if (carl !== undefined) carl.sessions = [];
  expect((await asks(browser)).text).toContain('Sign in as');
  expect((await asks(browser, { prompt: 'none' })).url.searchParams.get('error')).toBe('login_required');
});
