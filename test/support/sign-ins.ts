import { expect } from 'vitest';
import { samplePerson } from '#sandbox/company.ts';
import { Browser, pkce, type Page } from './browser.ts';
import type { World } from './world.ts';

export const CLIENT = 'https://client.example/mcp.json';
export const REDIRECT = 'https://client.example/callback';

/** The client's metadata document at its own address. */
export const clientDocument = (more: Record<string, unknown> = {}): Response =>
  Response.json({
    client_id: CLIENT,
    client_name: 'Example <Client>',
    scope: 'mcp:everything',
    redirect_uris: [REDIRECT, 'http://127.0.0.1/callback'],
    grant_types: ['authorization_code', 'refresh_token'],
    token_endpoint_auth_method: 'none',
    ...more,
  });

export interface Asked {
  readonly browser?: Browser;
  readonly person?: string;
  readonly decision?: string;
  /** The scopes that the person removes on the consent page. */
  readonly untick?: readonly string[];
  readonly query?: Record<string, string>;
  readonly challenge?: string;
}

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

/** The sign-ins of one world, step by step. */
export interface SignIns {
  /** From the client to the consent page. */
  readonly toConsent: (asked: Asked) => Promise<{ browser: Browser; page: Page }>;
  readonly toCode: (
    asked?: Asked,
  ) => Promise<{ code: string; verifier: string; back: URL; browser: Browser }>;
  /** Requests at the token endpoint, with a DPoP proof if there is one. */
  readonly redeem: (form: Record<string, string>, dpop?: string) => Promise<Answer>;
  readonly signedIn: (
    asked?: Asked,
    dpop?: string,
  ) => Promise<{ access: string; refresh: string; body: Record<string, unknown> }>;
}

export const codeForm = (
  code: string,
  verifier: string,
  more: Record<string, string> = {},
): Record<string, string> => ({
  grant_type: 'authorization_code',
  code,
  code_verifier: verifier,
  redirect_uri: REDIRECT,
  ...more,
});

export function signIns(world: World): SignIns {
  const issuer = `${world.url}/t/${world.tenantId}`;

  const toConsent: SignIns['toConsent'] = async ({
    browser = new Browser(),
    person = 'mona',
    query = {},
    challenge,
  }) => {
    const address = new URL(`${issuer}/oauth2/authorize`);
    address.search = new URLSearchParams({
      response_type: 'code',
      client_id: CLIENT,
      redirect_uri: REDIRECT,
      scope: 'okta.users.read',
      state: 'st-1',
      resource: `${world.url}/mcp`,
      code_challenge: challenge ?? pkce().challenge,
      code_challenge_method: 'S256',
      ...query,
    }).toString();
    let page = await browser.go(address, query['redirect_uri'] ?? REDIRECT);
    if (page.url.href.startsWith(world.okta.url))
      page = await browser.press(page, { name: 'login', value: samplePerson(person).email }, REDIRECT);
    return { browser, page };
  };

  const toCode: SignIns['toCode'] = async (asked = {}) => {
    const { verifier, challenge } = pkce();
    const { browser, page } = await toConsent({ ...asked, challenge });
    const back = page.url.href.startsWith(REDIRECT)
      ? page
      : await browser.press(
          page,
          { name: 'decision', value: asked.decision ?? 'approve' },
          REDIRECT,
          asked.untick,
        );
    return { code: back.url.searchParams.get('code') ?? '', verifier, back: back.url, browser };
  };

  const redeem: SignIns['redeem'] = async (form, dpop) => {
    const response = await fetch(`${issuer}/oauth2/token`, {
      method: 'POST',
      body: new URLSearchParams({ client_id: CLIENT, ...form }),
      headers: dpop === undefined ? {} : { dpop },
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };

  return {
    toConsent,
    toCode,
    redeem,
    signedIn: async (asked = {}, dpop) => {
      const { code, verifier } = await toCode(asked);
      const { status, body } = await redeem(codeForm(code, verifier), dpop);
      expect({ status, body }).toMatchObject({ status: 200 });
      return { access: String(body['access_token']), refresh: String(body['refresh_token']), body };
    },
  };
}
