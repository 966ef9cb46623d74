import { verifyDelegation } from '#client/index.ts';
import { must, type Step } from '../output.ts';
import type { Scene } from '../scene.ts';
import { bobsToken, clientOf, failure, type State } from './state.ts';

/** What a resource server sees: keys, status list, proof of possession. */
export const resourceSteps = (scene: Scene, state: State): Step[] => {
  const { issuer } = scene.instance.company;
  const audience = `${scene.instance.url}/mcp`;
  const kids = async () =>
    ((await (await fetch(`${issuer}/oauth2/jwks`)).json()) as { keys: { kid: string }[] }).keys.map(
      ({ kid }) => kid,
    );
  return [
    {
      name: 'signing-key-rotated',
      title: 'An administrator rotates the signing key; the new key is published, but does not sign yet',
      run: async (say) => {
        const path = `/v1/tenants/${scene.instance.company.tenant_id}/signing-keys/rotate`;
        const { status, body } = await scene.admin('POST', path);
        must(status === 201, `HTTP ${status} ${JSON.stringify(body)}`);
        state.newKid = String(body['kid']);
        say(`signs from ${String(body['active_from'])}`);
        must(new Date(String(body['active_from'])).getTime() > Date.now(), 'it signs before it is published');
        must(
          (await scene.ledger('SIGNING_KEY_ROTATED')).length === 1,
          'no SIGNING_KEY_ROTATED in the ledger',
        );
        return `${state.newKid} waits, so that resource servers can fetch it first`;
      },
    },
    {
      name: 'status-list',
      title:
        'A resource server verifies tokens offline, with only the keys and the status list; a frozen mandate shows as suspended',
      run: async (say) => {
        const request = { subject_token: await bobsToken(scene), mandate_id: state.mandate };
        const { access_token: token, claims } = await clientOf(scene, state.agent).exchangeToken(request);
        say(`status ${JSON.stringify(claims?.['status'])}`);
        const verified = await verifyDelegation({ issuer, audience })(token);
        must(verified.mandate_id === state.mandate, 'another mandate was verified');
        const elsewhere = await failure(
          verifyDelegation({ issuer, audience: `${scene.instance.url}/v1` })(token),
        );
        say(`at another resource server: ${String(elsewhere.reason)}`);
        must(elsewhere.reason === 'audience', 'it is valid at another resource server');
        await scene.use('bob', 'mandate_freeze', { mandate_id: state.mandate });
        // The list is at most fifteen seconds old; a verifier without a cache of its own sees it then.
        const began = Date.now();
        const reason = await scene.until('the status list shows the freeze', () =>
          verifyDelegation({ issuer, audience })(token).then(
            () => null,
            (error: unknown) => String((error as { reason?: string }).reason),
          ),
        );
        must(reason === 'suspended', `the status list says ${reason}`);
        await scene.send('bob', `/mandate thaw ${state.mandate}`);
        await scene.until(
          'the mandate works again',
          async () => (await scene.mandateOf('bob', state.mandate))['state'] === 'active',
        );
        return `suspended after ${Math.round((Date.now() - began) / 1000)} s, without a request to the issuer about this token`;
      },
    },
    {
      name: 'dpop',
      title: 'DPoP (RFC 9449): a token is bound to a key and useless without it',
      run: async (say) => {
        const client = clientOf(scene, state.agent, { dpop: true, audience: `${scene.instance.url}/v1` });
        const request = { subject_token: await bobsToken(scene), mandate_id: state.mandate };
        const bound = await client.exchangeToken(request);
        say(`${bound.token_type}, cnf ${JSON.stringify(bound.claims?.['cnf'])}`);
        const own = await client.fetch(`${scene.instance.url}/v1/tools`, undefined, request);
        must(own.status === 200, `with the key: HTTP ${own.status}`);
        const thief = await fetch(`${scene.instance.url}/v1/tools`, {
          headers: { authorization: `Bearer ${bound.access_token}` },
        });
        say(`without the key: HTTP ${thief.status} ${thief.headers.get('www-authenticate')}`);
        must(bound.token_type === 'DPoP' && thief.status === 401, 'it is accepted without its key');
        return 'with the key 200, without it 401';
      },
    },
    {
      name: 'signing-key-published',
      title:
        'The new signing key is in the JWKS before its first signature; tokens signed with the old key stay valid',
      run: async (say) => {
        const request = { subject_token: await bobsToken(scene), mandate_id: state.mandate };
        const { access_token: token } = await clientOf(scene, state.agent).exchangeToken(request);
        const published = await scene.until('the new key is published', async () => {
          const now = await kids();
          return now.includes(state.newKid) && now;
        });
        say(`JWKS: ${published.join(', ')}`);
        must(published.length === 2, `${published.length} keys are published`);
        // The list may still be the one of the freeze before; what is shown here is the key.
        await verifyDelegation({ issuer, audience, statusList: 'off' })(token);
        return `${state.newKid} is known to all resource servers`;
      },
    },
  ];
};
