import { samplePerson } from '#sandbox/company.ts';
import { must, type Step } from '../output.ts';
import type { Scene } from '../scene.ts';
import { claimsOf, oktaToken } from '../wire.ts';
import { bobsToken, clientOf, failure, introspect, postForm, type State } from './state.ts';

const DETAILS = 'urn:prokura:mandate';

/** How an agent gets a delegation token. */
export const exchangeSteps = (scene: Scene, state: State): Step[] => [
  {
    name: 'client-exchanges',
    title: 'prokura/client exchanges once and reuses the token for equal requests',
    run: async (say) => {
      state.agent = await scene.register('token-bot', 'bob', 'okta.mfa.reset, okta.users.read');
      state.helper = await scene.register('helper-bot', 'ann', 'okta.users.read');
      state.mandate = await scene.mandate('bob', {
        agent: 'token-bot',
        scopes: ['okta.mfa.reset', 'okta.users.read'],
        resources: ['team'],
        may_delegate: 1,
        purpose: 'Help the team',
      });
      const client = clientOf(scene, state.agent);
      const request = { subject_token: await bobsToken(scene), mandate_id: state.mandate };
      const all = await Promise.all(Array.from({ length: 10 }, () => client.exchangeToken(request)));
      const different = new Set(all.map((one) => one.access_token)).size;
      const issued = (await scene.ledger('TOKEN_ISSUED')).length;
      say(`10 requests, ${different} token, ${issued} TOKEN_ISSUED in the ledger`);
      must(different === 1 && issued === 1, 'more than one token was issued');
      const { sub, act, aud, scope } = all[0]?.claims ?? {};
      say(`claims ${JSON.stringify({ sub, act, aud, scope })}`);
      const wider = await failure(client.exchangeToken({ ...request, scope: 'okta.users.suspend' }));
      say(`more than the mandate allows: ${wider.code}: ${wider.description}`);
      must(wider.code === 'invalid_scope', 'a wider scope is not invalid_scope');
      return `${all[0]?.token_type} for ${String(all[0]?.expires_in)} s`;
    },
  },
  {
    name: 'details-narrowed',
    title: 'authorization_details (RFC 9396) can make a token narrower than the mandate, never wider',
    run: async (say) => {
      const client = clientOf(scene, state.agent);
      const request = { subject_token: await bobsToken(scene), mandate_id: state.mandate };
      const narrow = await client.exchangeToken({
        ...request,
        authorization_details: [{ type: DETAILS, tools: ['okta_find_user'] }],
      });
      say(`granted ${JSON.stringify(narrow.authorization_details)}`);
      const inside = await state.agent.call(narrow.access_token, 'okta_find_user', { query: 'ann' });
      const outside = await state.agent.call(narrow.access_token, 'okta_reset_mfa', {
        person: 'ann@acme.example',
      });
      say(
        `okta_find_user: ${String(inside.data['status'])}; okta_reset_mfa: ${JSON.stringify(outside.data['code'])}`,
      );
      must(inside.data['status'] === 'done' && outside.isError, 'the token is not narrower');
      const wider = await failure(
        client.exchangeToken({
          ...request,
          authorization_details: [{ type: DETAILS, resources: ['*'] }],
        }),
      );
      say(`wider: ${wider.code}: ${wider.description}`);
      must(wider.code === 'invalid_authorization_details', 'wider details are not refused');
      return 'the token covers one tool of the mandate and nothing more';
    },
  },
  {
    name: 'chain',
    title: 'From agent to agent: the second token names both agents, and ends with the first',
    run: async (say) => {
      const one = await clientOf(scene, state.agent).exchangeToken({
        subject_token: await bobsToken(scene),
        mandate_id: state.mandate,
      });
      const handed = { agent: 'helper-bot', scopes: ['okta.users.read'], purpose: 'Look people up' };
      const part = await scene.handOn(state.agent, one.access_token, handed, 'mona');
      const two = await clientOf(scene, state.helper).exchangeToken({
        subject_token: one.access_token,
        mandate_id: part,
      });
      const seen = await introspect(scene, two.access_token);
      say(
        `introspection ${JSON.stringify({ active: seen['active'], act: seen['act'], scope: seen['scope'] })}`,
      );
      const act = seen['act'] as { sub: string; act?: { sub: string } };
      must(
        act.sub === state.helper.identity?.id && act.act?.sub === state.agent.identity?.id,
        'act does not nest',
      );
      await clientOf(scene, state.agent).revoke(one.access_token);
      const after = await introspect(scene, two.access_token);
      must(after['active'] === false, 'the second token still works after the first was revoked');
      return 'revoking the first token (RFC 7009) ended the second';
    },
  },
  {
    name: 'offline',
    title: 'With an offline mandate, the agent gets a token while Bob is away: the mandate is the subject',
    run: async (say) => {
      const refused = await failure(
        clientOf(scene, state.agent).exchangeToken({ mandate_id: state.mandate }),
      );
      say(`a mandate that is not offline: ${refused.code}: ${refused.description}`);
      state.offline = await scene.mandate('bob', {
        agent: 'token-bot',
        scopes: ['okta.users.read'],
        offline: true,
        purpose: 'Nightly report',
      });
      const token = await clientOf(scene, state.agent).exchangeToken({ mandate_id: state.offline });
      const [entry] = (await scene.ledger('TOKEN_ISSUED', `&mandate=${state.offline}`)).slice(-1);
      say(`ledger TOKEN_ISSUED by ${String(entry?.data['by'])}`);
      must((await introspect(scene, token.access_token))['active'] === true, 'the token is not active');
      state.last = token.access_token;
      return `${state.offline}: Bob is away, but his account must still be active`;
    },
  },
  {
    name: 'introspected-and-revoked',
    title:
      'After a revocation (RFC 7009), introspection (RFC 7662) reports the token as inactive at once; the mandate stays',
    run: async (say) => {
      const { body } = await state.agent.exchange(await bobsToken(scene), state.mandate);
      const token = String(body['access_token']);
      const { active, sub, client_id, mandate_id } = await introspect(scene, token);
      say(`before: ${JSON.stringify({ active, sub, client_id, mandate_id })}`);
      const stranger = await postForm(scene, '/oauth2/revoke', { token, ...(await proof(state.helper)) });
      say(`another client: HTTP ${stranger.status} ${String(stranger.body['error'])}`);
      must((await introspect(scene, token))['active'] === true, 'another client could revoke it');
      const revoked = await postForm(scene, '/oauth2/revoke', { token, ...(await proof(state.agent)) });
      must(revoked.status === 200, `HTTP ${revoked.status}`);
      const after = await introspect(scene, token);
      say(`after: ${JSON.stringify(after)}`);
      must(active === true && after['active'] === false, 'introspection still reports it as active');
      const [entry] = (await scene.ledger('TOKEN_REVOKED')).slice(-1);
      must(entry?.data['jti'] === claimsOf(token)['jti'], 'no TOKEN_REVOKED in the ledger');
      const next = await state.agent.exchange(await bobsToken(scene), state.mandate);
      must(next.status === 200, 'the mandate was revoked too');
      return 'invalid at once; the next exchange issues a new token';
    },
  },
  {
    name: 'id-jag',
    title: "Cross App Access: the agent presents Okta's identity assertion (ID-JAG) instead of Bob's token",
    run: async (say) => {
      const assertion = await oktaToken(scene.instance, samplePerson('bob').email, {
        type: 'id-jag',
        scopes: ['okta.users.read'],
        audience: scene.instance.company.issuer,
        client_id: state.agent.identity?.id,
      });
      const { status, body } = await postForm(scene, '/oauth2/token', {
        grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
        assertion,
        mandate_id: state.mandate,
        ...(await proof(state.agent)),
      });
      must(status === 200, `HTTP ${status} ${JSON.stringify(body)}`);
      const [entry] = (await scene.ledger('TOKEN_ISSUED')).slice(-1);
      say(`ledger TOKEN_ISSUED by ${String(entry?.data['by'])}`);
      must(entry?.data['by'] === 'id_jag', 'the ledger does not say so');
      const stolen = await postForm(scene, '/oauth2/token', {
        grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
        assertion,
        mandate_id: state.mandate,
        ...(await proof(state.helper)),
      });
      say(`presented by another agent: HTTP ${stolen.status} ${String(stolen.body['error'])}`);
      must(stolen.status === 400, 'another agent could use it');
      return 'the same delegation token, without a token of Bob';
    },
  },
];

/** How an agent authenticates in a form. */
async function proof(agent: State['agent']): Promise<Record<string, string>> {
  return {
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: await agent.assertion(),
  };
}
