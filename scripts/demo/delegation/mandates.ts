import { isDeepStrictEqual } from 'node:util';
import { samplePerson } from '#sandbox/company.ts';
import { must, type Step } from '../output.ts';
import type { Scene } from '../scene.ts';
import { claimsOf, okta } from '../wire.ts';
import { bobsToken, knock, tokenOf, type State } from './state.ts';

/** A mandate: given, told in words, narrowed, handed on, frozen and thawed. */
export const mandateSteps = (scene: Scene, state: State): Step[] => [
  {
    name: 'agents-registered',
    title: "Dana registers Carl's and Ann's agents, each with its public key",
    run: async (say) => {
      state.agent = await scene.register('deploy-bot', 'carl', 'okta.mfa.reset, okta.users.read');
      state.helper = await scene.register('helper-bot', 'ann', 'okta.mfa.reset, okta.users.read');
      const entries = await scene.ledger('AGENT_REGISTERED');
      say(`ledger AGENT_REGISTERED: ${entries.map((entry) => String(entry.data['name'])).join(', ')}`);
      must(entries.length === 2, `${entries.length} agents are in the ledger`);
      return 'two agents are registered. They have no authority yet';
    },
  },
  {
    name: 'mandate-from-template',
    title: 'Bob gives a mandate from a template, with hours and a maximum number of uses; Mona approves',
    run: async (say) => {
      const { templates } = await scene.use('bob', 'mandate_template_list', {});
      const names = (templates as { name: string }[]).map((one) => one.name);
      say(`templates: ${names.join('; ')}`);
      const window = openNow();
      state.mandate = await scene.mandate(
        'bob',
        {
          agent: 'deploy-bot',
          template: 'Reset MFA for my team, 7 days',
          scopes: ['okta.mfa.reset', 'okta.users.read'],
          window,
          max_uses: 10,
          may_delegate: 1,
        },
        'mona',
      );
      const shown = await scene.mandateOf('bob', state.mandate);
      must(
        shown['purpose'] === 'Reset lost or replaced factors of my team' && shown['max_uses'] === 10,
        `the terms are not those of the template: ${JSON.stringify(shown)}`,
      );
      must(isDeepStrictEqual(shown['window'], window), 'the hours are wrong');
      return `${state.mandate}: purpose, resources and days come from the template, the rest from Bob`;
    },
  },
  {
    name: 'mandate-in-words',
    title: 'The mandate says in plain words what it allows; explain says what a call would need',
    run: async (say) => {
      const shown = await scene.mandateOf('bob', state.mandate);
      const words = shown['in_words'] as { allows: string; forbids: string };
      say(`allows: ${words.allows}`);
      say(`forbids: ${words.forbids}`);
      const token = await tokenOf(scene, state.agent, state.mandate);
      const explain = async (person: string) =>
        (
          await state.agent.call(token, 'explain_access', {
            tool: 'okta_reset_mfa',
            input: { person: `${person}@acme.example` },
          })
        ).data['result'] as Record<string, unknown>;
      const [ann, nina] = [await explain('ann'), await explain('nina')];
      say(`for Ann: ${JSON.stringify(ann['approvals'])}`);
      say(`for Nina: ${JSON.stringify(nina['denial'])}`);
      must(ann['allowed'] === true, 'explain refuses Ann');
      must(
        nina['allowed'] === false && (nina['denial'] as { code: string }).code === 'outside_mandate',
        'explain does not refuse Nina',
      );
      return 'Ann: needs approval from Mona. Nina: outside the mandate';
    },
  },
  {
    name: 'mandate-narrowed',
    title: 'Bob narrows the mandate; old tokens are invalid, and wider terms are refused',
    run: async (say) => {
      const before = await tokenOf(scene, state.agent, state.mandate);
      must((await knock(scene, before)) === 200, 'the token did not work before');
      await scene.use('bob', 'mandate_narrow', { mandate_id: state.mandate, max_uses: 5, days: 2 });
      must((await knock(scene, before)) === 401, 'an old token still works');
      const wider = await scene.as('bob', 'mandate_narrow', { mandate_id: state.mandate, max_uses: 50 });
      say(`wider terms: HTTP ${wider.status} ${String(wider.body['detail'])}`);
      must(wider.status >= 400, 'the mandate was made wider');
      const shown = await scene.mandateOf('bob', state.mandate);
      must(shown['max_uses'] === 5, `max_uses is ${String(shown['max_uses'])}`);
      must((await scene.ledger('MANDATE_NARROWED')).length === 1, 'no MANDATE_NARROWED in the ledger');
      return `5 uses until ${String(shown['expires_at'])}; the old token gets 401`;
    },
  },
  {
    name: 'mandate-handed-on',
    title:
      "Over MCP deploy-bot delegates a part to Ann's helper-bot, and Mona approves; the token names both agents, and a use counts for both",
    run: async (say) => {
      const token = await tokenOf(scene, state.agent, state.mandate);
      const more = await state.agent.call(token, 'mandate_delegate', {
        agent: 'helper-bot',
        scopes: ['okta.users.suspend'],
        purpose: 'more than its own mandate',
      });
      must(more.isError, 'it could delegate more than it has');
      say(`more than its own mandate: ${more.text}`);
      const part = { agent: 'helper-bot', max_uses: 2, purpose: 'Re-enrol phones' };
      state.part = await scene.handOn(state.agent, token, part, 'mona');
      const passed = await state.helper.exchange(token, state.part);
      must(passed.status === 200, `HTTP ${passed.status} ${JSON.stringify(passed.body)}`);
      const nested = String(passed.body['access_token']);
      const { sub, act, mandate_id } = claimsOf(nested);
      say(`claims ${JSON.stringify({ sub, act, mandate_id })}`);
      const { sub: acting, act: inner } = act as { sub: string; act?: { sub: string } };
      must(
        acting === state.helper.identity?.id && inner?.sub === state.agent.identity?.id,
        'act does not name both agents',
      );
      const found = await state.helper.call(nested, 'okta_find_user', { query: 'carl' });
      must(found.data['status'] === 'done', `not found: ${found.text}`);
      const person = samplePerson('ann');
      const asked = await state.helper.call(nested, 'okta_reset_mfa', { person: person.email });
      must(asked.data['status'] === 'pending_approval', `not pending: ${asked.text}`);
      const { approval_id } = asked.data;
      const waiting = state.helper.outcome(nested, String(approval_id));
      await scene.approve('mona', 'Reset MFA');
      must((await waiting).data['status'] === 'done', 'it was not executed');
      const factors = (await okta(scene.instance, `/users/${person.oktaId}/factors`)) as unknown[];
      must(factors.length === 0, `Okta still shows ${factors.length} factors`);
      const uses = async (id: string) => (await scene.mandateOf('bob', id))['uses'];
      must(
        (await uses(state.part)) === 1 && (await uses(state.mandate)) === 1,
        'the use was not counted in both mandates',
      );
      return `${state.part} ⊆ ${state.mandate}; one use is counted in each`;
    },
  },
  {
    name: 'frozen-and-thawed',
    title: 'Bob and Mona both freeze the mandate; each can lift only their own freeze',
    run: async (say) => {
      const token = await tokenOf(scene, state.agent, state.mandate);
      const input = { mandate_id: state.mandate };
      await scene.use('bob', 'mandate_freeze', { ...input, reason: 'on holiday' });
      must((await knock(scene, token)) === 401, 'the token still works');
      await scene.use('mona', 'mandate_freeze', { ...input, reason: 'looking into it' });
      const part = await scene.mandateOf('bob', state.part);
      must(part['state'] === 'frozen', 'the delegated part is not frozen');
      await scene.send('bob', `/mandate thaw ${state.mandate}`);
      await scene.until(
        "Bob's freeze is lifted",
        async () =>
          ((await scene.mandateOf('bob', state.mandate))['causes'] as readonly unknown[]).length === 1,
      );
      const between = await scene.mandateOf('bob', state.mandate);
      say(`after Bob's thaw: ${String(between['state'])}, causes ${JSON.stringify(between['causes'])}`);
      must(between['state'] === 'frozen', "Bob's thaw lifted Mona's freeze too");
      const refused = await state.agent.exchange(await bobsToken(scene), state.mandate);
      say(`exchange: ${JSON.stringify(refused.body)}`);
      must(refused.body['mandate_status'] === 'frozen', 'the exchange does not say frozen');
      await scene.send('mona', `/mandate thaw ${state.mandate}`);
      await scene.until(
        "Mona's freeze is lifted",
        async () => (await scene.mandateOf('bob', state.mandate))['state'] === 'active',
      );
      const after = await scene.mandateOf('bob', state.mandate);
      must(after['state'] === 'active', 'it does not work again');
      must((await knock(scene, token)) === 401, 'an old token works again');
      await tokenOf(scene, state.agent, state.mandate);
      return 'active again after the last freeze is lifted; old tokens stay invalid';
    },
  },
];

/** Hours of every day that are open now and for an hour to come, at least. */
function openNow(): Record<string, unknown> {
  const at = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString().slice(11, 16);
  return { days: [1, 2, 3, 4, 5, 6, 7], from: at(-1), to: at(2), timezone: 'Etc/UTC' };
}
