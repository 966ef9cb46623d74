import { samplePerson } from '#sandbox/company.ts';
import { must, type Step } from '../output.ts';
import type { Scene } from '../scene.ts';
import { okta } from '../wire.ts';
import { bobsToken, clientOf, failure, introspect, type State } from './state.ts';

/** How everything ends that hangs on a person. */
export const endSteps = (scene: Scene, state: State): Step[] => [
  {
    name: 'principal-suspended',
    title: 'Dana suspends Bob: all his tokens are invalid at once, and no one gets a new one',
    run: async (say) => {
      const subject = await bobsToken(scene);
      const { body } = await state.agent.exchange(subject, state.mandate);
      const tokens = [String(body['access_token']), state.last];
      const active = async () =>
        (await Promise.all(tokens.map((token) => introspect(scene, token)))).map((one) => one['active']);
      const before = await active();
      say(`before: active ${before.join(', ')}`);
      must(
        before.every((one) => one === true),
        'a token was invalid before',
      );
      await scene.send('dana', '/okta suspend @bob');
      await scene.until('Okta has suspended Bob', async () => {
        const user = (await okta(scene.instance, `/users/${samplePerson('bob').oktaId}`)) as {
          status: string;
        };
        return user.status === 'SUSPENDED';
      });
      await scene.until('his tokens are invalid', async () => (await active()).every((one) => one === false));
      const online = await state.agent.exchange(subject, state.mandate);
      const offline = await failure(
        clientOf(scene, state.agent).exchangeToken({ mandate_id: state.offline }),
      );
      say(
        `exchange: HTTP ${online.status} ${String(online.body['error'])}; offline: ${offline.code} ${String(offline.reason)}`,
      );
      must(online.status === 400 && offline.status === 400, 'a new token is still issued');
      const states = (await scene.ledger('MANDATE_FROZEN', `&mandate=${state.offline}`)).map(
        (one) => one.data['cause'],
      );
      say(`ledger MANDATE_FROZEN: ${JSON.stringify(states)}`);
      must(states.length > 0, 'no MANDATE_FROZEN in the ledger');
      return 'the exchange with his token, the delegated token and the offline mandate all stop';
    },
  },
];
