import * as oauth from 'oauth4webapi';
import { samplePerson } from '#sandbox/company.ts';
import { Browser } from '../../../test/support/browser.ts';
import { must, type Step } from '../output.ts';
import type { Scene } from '../scene.ts';
import { claimsOf } from '../wire.ts';
import { introspect, postForm, type State } from './state.ts';

const REDIRECT = 'http://127.0.0.1:33418/callback';
const insecure = { [oauth.allowInsecureRequests]: true };

/**
 * A person signs in with their own client, as from an editor: oauth4webapi as it is, and the pages of Okta
 * and Prokura.
 */
export const browserSteps = (scene: Scene, state: State): Step[] => [
  {
    name: 'browser-login',
    title:
      "Bob signs in through his own MCP client: authorization code with PKCE, Okta's page, Prokura's consent page",
    run: async (say) => {
      const { issuer: name } = scene.instance.company;
      const issuer = new URL(name);
      const as = await oauth.processDiscoveryResponse(
        issuer,
        await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure }),
      );
      const client = await oauth.processDynamicClientRegistrationResponse(
        await oauth.dynamicClientRegistrationRequest(
          as,
          {
            client_name: 'An editor',
            redirect_uris: [REDIRECT],
            token_endpoint_auth_method: 'none',
            grant_types: ['authorization_code', 'refresh_token'],
            response_types: ['code'],
          },
          insecure,
        ),
      );
      const verifier = oauth.generateRandomCodeVerifier();
      const sent = oauth.generateRandomState();
      const address = new URL(as.authorization_endpoint ?? '');
      address.search = new URLSearchParams({
        client_id: client.client_id,
        redirect_uri: REDIRECT,
        response_type: 'code',
        scope: 'okta.users.read',
        resource: `${scene.instance.url}/mcp`,
        state: sent,
        code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
      }).toString();
      const browser = new Browser();
      const okta = await browser.go(address, REDIRECT);
      must(
        okta.url.href.startsWith(scene.instance.oktaUrl),
        `Bob was not sent to Okta but to ${okta.url.href}`,
      );
      say(`signs in at ${okta.url.origin}${okta.url.pathname}`);
      const login = { name: 'login', value: samplePerson('bob').email };
      const consent = await browser.press(okta, login, REDIRECT);
      must(consent.text.includes('An editor'), 'the consent page does not name the client');
      const back = await browser.press(consent, { name: 'decision', value: 'approve' }, REDIRECT);
      must(back.url.href.startsWith(REDIRECT), `Bob ended at ${back.url.href}: ${back.status}`);
      const params = oauth.validateAuthResponse(as, client, back.url, sent);
      const redeem = (proof: string) =>
        oauth.authorizationCodeGrantRequest(as, client, oauth.None(), params, REDIRECT, proof, insecure);
      const tokens = await oauth.processAuthorizationCodeResponse(as, client, await redeem(verifier));
      state.browser = {
        clientId: client.client_id,
        access: tokens.access_token,
        refresh: tokens.refresh_token ?? '',
      };
      const { sub, act, aud, scope } = claimsOf(tokens.access_token);
      say(`claims ${JSON.stringify({ sub, act, aud, scope })}`);
      const found = await state.agent.call(tokens.access_token, 'okta_find_user', { query: 'carl' });
      must(found.data['status'] === 'done', `MCP: ${found.text}`);
      return `${tokens.token_type} for ${String(tokens.expires_in)} s; MCP answers Bob through his client`;
    },
  },
  {
    name: 'refresh-reuse',
    title:
      'A used refresh token works again for 30 seconds, until its successor is used; after that, reuse ends the whole family',
    run: async (say) => {
      const { clientId, refresh: first, access } = state.browser;
      const refresh = (refresh_token: string) =>
        postForm(scene, '/oauth2/token', { grant_type: 'refresh_token', refresh_token, client_id: clientId });
      const rotated = await refresh(first);
      must(rotated.status === 200, `HTTP ${rotated.status} ${JSON.stringify(rotated.body)}`);
      const second = {
        refresh: String(rotated.body['refresh_token']),
        access: String(rotated.body['access_token']),
      };
      must(second.refresh !== first, 'the refresh token did not rotate');
      const grace = await refresh(first);
      say(`the first one again, as after a lost response: HTTP ${grace.status}`);
      must(grace.status === 200, 'a lost response signs the client out');
      must(grace.body['refresh_token'] === second.refresh, 'the used token has another successor');
      const left = await Promise.all(
        [access, second.access, String(grace.body['access_token'])].map((token) => introspect(scene, token)),
      );
      say(`introspection of its access tokens: ${left.map((one) => String(one['active'])).join(', ')}`);
      must(
        left.every((one) => one['active'] === true),
        'an access token of the family has ended',
      );
      return 'neither a second session of a client nor a lost response signs Bob out';
    },
  },
];
