import { calculateJwkThumbprint, type JWK } from 'jose';
import { samplePerson } from '#sandbox/company.ts';
import { must, type Step } from '../output.ts';
import type { Scene } from '../scene.ts';
import { control } from '../wire.ts';
import { bobsToken, knock, tokenOf, type State } from './state.ts';

/** An agent: new keys, and the kill switch. */
export const agentSteps = (scene: Scene, state: State): Step[] => [
  {
    name: 'key-rotated',
    title:
      "Carl rotates deploy-bot's key; Bob's mandate freezes until Bob confirms it and Mona approves again",
    run: async (say) => {
      const token = await tokenOf(scene, state.agent, state.mandate);
      await rotated(scene, state, 'carl');
      must((await knock(scene, token)) === 401, 'a token from the old key still works');
      const frozen = await scene.mandateOf('bob', state.mandate);
      say(`mandate: ${String(frozen['state'])}, causes ${JSON.stringify(frozen['causes'])}`);
      must(
        JSON.stringify(frozen['causes']) === '["credentials_changed"]',
        'the mandate is not frozen because of the new key',
      );
      await scene.send('bob', `/mandate confirm ${state.mandate}`);
      await scene.approve('mona', 'Confirm a mandate');
      await scene.until(
        'the mandate works again',
        async () => (await scene.mandateOf('bob', state.mandate))['state'] === 'active',
      );
      await tokenOf(scene, state.agent, state.mandate);
      return 'a mandate does not continue under a new key until its principal confirms it';
    },
  },
  {
    name: 'kill-switch',
    title: 'Kill switch: Carl previews what it affects and uses it; only an IT admin can lift it',
    run: async (say) => {
      const token = await tokenOf(scene, state.agent, state.mandate);
      const gated = await state.agent.call(token, 'okta_reset_mfa', { person: 'carl@acme.example' });
      must(gated.data['status'] === 'pending_approval', `not pending: ${gated.text}`);
      await scene.slack.as('carl').types('/freeze preview deploy-bot');
      const preview = await scene.slack
        .as('carl')
        .waitsFor((one) => JSON.stringify(one).includes('Preview the kill switch'));
      const hits = /Requests that are withdrawn: [^\d]*(\d+)/.exec(wordsOf(preview.blocks))?.[1];
      say(`preview: ${wordsOf(preview.blocks)}`);
      must(hits === '1', `the preview lists ${String(hits)} requests`);
      must((await knock(scene, token)) === 200, 'the preview changed something');
      await scene.send('carl', '/freeze now deploy-bot "it misbehaves"');
      const done = await scene.slack.as('carl').waitsFor((one) => /Elapsed ms: /.test(wordsOf(one.blocks)));
      const elapsed = /Elapsed ms: ([\d.]+)/.exec(wordsOf(done.blocks))?.[1];
      say(`executed: ${wordsOf(done.blocks)}`);
      must((await knock(scene, token)) === 401, 'the token still works');
      const { body } = await scene.admin('GET', `/v1/approvals/${String(gated.data['approval_id'])}`);
      must(body['state'] === 'withdrawn', `the approval is ${String(body['state'])}`);
      must((await scene.ledger('FREEZE_APPLIED')).length === 1, 'no FREEZE_APPLIED in the ledger');
      await scene.send('dana', '/freeze lift deploy-bot');
      await scene.until(
        'the freeze is lifted',
        async () => (await scene.mandateOf('bob', state.mandate))['state'] === 'active',
      );
      must((await knock(scene, token)) === 401, 'an old token works again');
      return `stopped in ${String(elapsed)} ms: tokens are invalid, the pending request is withdrawn`;
    },
  },
];

/** What follows when the owner of an agent leaves. */
export const successionSteps = (scene: Scene, state: State): Step[] => [
  {
    name: 'owner-left',
    title: 'Okta deactivates Carl over SCIM: his agent freezes and is offered to his manager',
    run: async (say) => {
      const token = await tokenOf(scene, state.agent, state.mandate);
      const at = `${scene.instance.oktaUrl}/_sandbox/users/${samplePerson('carl').oktaId}`;
      await control(`${at}/provision`, 'POST', {});
      await control(`${at}/deactivate-app`, 'POST', {});
      must((await knock(scene, token)) === 401, "a token of Carl's agent still works");
      const [offered] = await scene.ledger('AGENT_OFFERED');
      say(`ledger AGENT_OFFERED ${JSON.stringify(offered?.data)}`);
      must(offered?.data['agent'] === state.agent.identity?.id, 'the agent was not offered to anyone');
      const offer = await scene.slack.as('bob').waitsFor((one) => one.text.includes('offered to you'));
      say(`Slack to Bob: ${offer.text}`);
      const frozen = await scene.mandateOf('bob', state.mandate);
      say(`mandate: ${String(frozen['state'])}, causes ${JSON.stringify(frozen['causes'])}`);
      must(frozen['state'] === 'frozen', "Bob's mandate continues although the agent has no owner");
      return 'the mandate was frozen in the transaction of the SCIM request';
    },
  },
  {
    name: 'agent-inherited',
    title: 'Bob becomes the owner of the agent; it works only with keys that Carl never had',
    run: async () => {
      await scene.send('bob', '/agent transfer deploy-bot @bob');
      await scene.until('Bob owns it', async () => (await scene.ledger('AGENT_TRANSFERRED')).length > 0);
      const old = await state.agent.exchange(await bobsToken(scene), state.mandate);
      must(old.status !== 200, 'it works with the keys of a person who has left');
      await rotated(scene, state, 'bob');
      await tokenOf(scene, state.agent, state.mandate);
      return `before the key rotation: ${old.status} ${String(old.body['error'])}. After it: a token`;
    },
  },
];

/** Puts a new key into the agent's hand and tells Prokura in Slack. */
async function rotated(scene: Scene, state: State, by: string): Promise<void> {
  const before = (await scene.ledger('AGENT_KEY_ROTATED')).length;
  const publicJwk = state.agent.newKey();
  await scene.form(by, '/agent rotate deploy-bot', { 'Public key': publicJwk });
  await scene.until('the key is rotated', async () => (await scene.ledger('AGENT_KEY_ROTATED'))[before]);
  const kid = await calculateJwkThumbprint(JSON.parse(publicJwk) as JWK);
  if (state.agent.identity !== null) state.agent.identity.kid = kid;
}

/** The words of a Slack message, without its shape. */
function wordsOf(blocks: unknown): string {
  const words: string[] = [];
  JSON.stringify(blocks, (key, value: unknown) => {
    if (key === 'text' && typeof value === 'string') words.push(value);
    return value;
  });
  return words.join('').replaceAll('\n', '; ');
}
