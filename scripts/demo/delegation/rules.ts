import { SAMPLE_COMPANY, samplePerson } from '#sandbox/company.ts';
import { must, type Step } from '../output.ts';
import type { Scene } from '../scene.ts';
import type { Answer } from '../wire.ts';
import type { State } from './state.ts';

const FINANCE = SAMPLE_COMPANY.groups.find((group) => group.name === 'Finance')?.oktaId ?? '';

/** What there is to delegate, who may, and what another system asks of it. */
export const ruleSteps = (scene: Scene, state: State): Step[] => {
  const verify = async (check: Record<string, unknown>): Promise<Record<string, unknown>> =>
    (await scene.admin('POST', '/v1/verify', check, state.verifyKey)).body;
  const approve = { action: 'finance:approve', resource: 'invoice:2026-17' };
  return [
    {
      name: 'scope-catalogued',
      title: 'An unknown scope is refused; two people add it to the catalogue',
      run: async (say) => {
        state.verifyKey = await scene.apiKey('payments', ['verify']);
        const [looks, acts] = [
          ['scope_list', 'policy_show', 'policy_try'],
          ['scope_set', 'policy_set', 'group_map'],
        ];
        state.rulesKey = await scene.apiKey('rules', looks, acts);
        const refused = await scene.as('bob', 'mandate_create', {
          agent: 'deploy-bot',
          scopes: ['finance:approve'],
          purpose: 'Approve invoices',
        });
        say(`before: HTTP ${refused.status} ${String(refused.body['detail'])}`);
        must(refused.status === 400, 'an unknown scope was accepted');
        const asked = await scene.admin(
          'PUT',
          '/v1/scopes',
          { scope: 'finance:approve', description: 'Approve invoices' },
          state.rulesKey,
        );
        await bothAgree(scene, asked);
        const { body } = await scene.admin('GET', '/v1/scopes', undefined, state.rulesKey);
        must(JSON.stringify(body).includes('finance:approve'), 'the scope is not in the catalogue');
        return 'finance:approve can be delegated: requested with an API key, approved by Dana and Ivan';
      },
    },
    {
      name: 'group-mapped',
      title: 'Dana lets the group Finance approve invoices; Ivan must approve that',
      run: async (say) => {
        const message = await mapped(scene, 'finance:approve');
        say(`Slack to Ivan: ${message}`);
        state.payer = await scene.register('payer-bot', 'faye', 'finance:approve');
        state.invoices = await scene.mandate('faye', {
          agent: 'payer-bot',
          scopes: ['finance:approve'],
          resources: ['resource:invoice:2026-*'],
          amount: 500,
          currency: 'EUR',
          purpose: 'Approve small invoices of this year',
        });
        return `Faye of Finance gives her agent ${state.invoices}`;
      },
    },
    {
      name: 'verified-for-others',
      title: 'Another system asks POST /v1/verify before it acts, with one question or many',
      run: async (say) => {
        const mandate_id = state.invoices;
        const good = { mandate_id, ...approve, amount: 120, currency: 'EUR' };
        const { results } = await verify({
          checks: [
            good,
            { ...good, amount: 900 },
            { ...good, resource: 'invoice:2025-17' },
            { agent: 'payer-bot', principal: 'bob@acme.example', ...approve },
          ],
        });
        const said = (results as { decision: string; reasons: string[] }[]).map(({ decision, reasons }) =>
          [decision, ...reasons].join(' '),
        );
        say(`batch: ${said.join(', ')}`);
        must(
          said.join() === 'allow,deny AMOUNT_EXCEEDED,deny OUTSIDE_MANDATE,deny NO_MATCHING_MANDATE',
          'the batch has other answers',
        );
        must((await verify(good))['decision'] === 'allow', 'the single question is not allowed');
        const lines = await scene.ledger('VERIFIED');
        must(lines.length === 5, `${lines.length} VERIFIED in the ledger`);
        return 'one allow, and three denials with different reasons; each is recorded in the ledger';
      },
    },
    {
      name: 'mapping-changed',
      title:
        'The group mapping is removed: the mandate that depends on it freezes, and thaws when the mapping returns',
      run: async (say) => {
        const message = await mapped(scene, 'okta.users.read');
        say(`Slack to Ivan: ${message}`);
        const frozen = await scene.until('the mandate freezes', async () => {
          const shown = await scene.mandateOf('faye', state.invoices);
          return shown['state'] === 'frozen' && shown;
        });
        say(`mandate: ${String(frozen['state'])}, causes ${JSON.stringify(frozen['causes'])}`);
        const answer = await verify({ mandate_id: state.invoices, ...approve, amount: 1, currency: 'EUR' });
        say(`verify: ${String(answer['decision'])} ${JSON.stringify(answer['reasons'])}`);
        must(answer['decision'] === 'deny', 'verify still allows');
        await mapped(scene, 'finance:approve');
        await scene.until(
          'the mandate thaws',
          async () => (await scene.mandateOf('faye', state.invoices))['state'] === 'active',
        );
        return `frozen because of ${JSON.stringify(frozen['causes'])}, denied at once, active again with the mapping`;
      },
    },
    {
      name: 'verify-after-revocation',
      title: 'Faye revokes the mandate: the next answer is deny',
      run: async (say) => {
        const good = { mandate_id: state.invoices, ...approve, amount: 120, currency: 'EUR' };
        must((await verify(good))['decision'] === 'allow', 'it was not allowed before');
        await scene.use('faye', 'mandate_revoke', { mandate_id: state.invoices, reason: 'The year is over' });
        const began = performance.now();
        const { results } = await verify({ checks: [good, good] });
        const ms = Math.round(performance.now() - began);
        const answers = results as { decision: string; reasons: string[]; message: string }[];
        say(`verify: ${JSON.stringify(answers[0])}`);
        must(
          answers.length === 2 && answers.every((one) => one.decision === 'deny'),
          'it is allowed after the revocation',
        );
        return `allow → deny ${String(answers[0]?.reasons.join(' '))}, answered in ${ms} ms`;
      },
    },
  ];
};

/** The policies of the organisation: tried, set, and rolled back. */
export const policySteps = (scene: Scene, state: State): Step[] => {
  const forbid = `
@id("no-resets-by-agents")
@reason("Agents reset nobody today.")
forbid (principal, action == Action::"okta_reset_mfa", resource) when { context.through_agent };`;
  return [
    {
      name: 'policy-tried',
      title: 'A dry run lists the recent calls that a new policy would have decided differently',
      run: async (say) => {
        const tried = resultOf(
          await scene.admin(
            'POST',
            '/v1/policies/try',
            { text: `${await shipped(scene, state)}\n${forbid}`, days: 1 },
            state.rulesKey,
          ),
        );
        const differences = tried['differences'] as { tool: string; now: string; otherwise: string }[];
        const found = differences.find((one) => one.tool === 'okta_reset_mfa');
        say(`different: ${String(tried['different'])}, ${JSON.stringify(found)}`);
        must(found && /denied/.test(found.otherwise), 'the reset by helper-bot is not named');
        const { version } = await policies(scene, state);
        must(version === 0, `version ${String(version)} is in force after a dry run`);
        return `${found.now} → ${found.otherwise}. Nothing was changed`;
      },
    },
    {
      name: 'policy-set-and-rolled-back',
      title: 'Two people approve the new policies, and two people approve the return to the default ones',
      run: async (say) => {
        const asked = await scene.admin(
          'PUT',
          '/v1/policies',
          { text: `${await shipped(scene, state)}\n${forbid}`, note: 'No resets by agents' },
          state.rulesKey,
        );
        await bothAgree(scene, asked);
        const one = await policies(scene, state);
        must(one['version'] === 1, `version ${String(one['version'])} is in force`);
        await scene.form('dana', '/policy set', { Version: '0', Note: 'Back to the default policies' });
        await scene.sendCard('dana', '/policy set');
        await scene.approve('ivan', 'Back to the default policies');
        const two = await scene.until('the old policies are back', async () => {
          const shown = await policies(scene, state);
          return shown['version'] === 2 && shown;
        });
        const changes = (await scene.ledger('policy_changed')).map((entry) => entry.data['version']);
        say(`ledger policy_changed: versions ${changes.join(', ')}`);
        must(String(two['text']) === (await shipped(scene, state)), 'the policies are not the default ones');
        return 'version 1: requested with an API key, approved by Dana and Ivan. Version 2: the default policies, approved by Dana and Ivan';
      },
    },
  ];
};

const resultOf = ({ status, body }: Answer): Record<string, unknown> => {
  must(body['status'] === 'done', `HTTP ${status} ${JSON.stringify(body).slice(0, 800)}`);
  return body['result'] as Record<string, unknown>;
};

const policies = async (scene: Scene, state: State, query = '') =>
  resultOf(await scene.admin('GET', `/v1/policies${query}`, undefined, state.rulesKey));

const shipped = async (scene: Scene, state: State): Promise<string> =>
  String((await policies(scene, state, '?version=0'))['text']);

/**
 * Two humans agree to what an API key asked, in Slack. The first of them alone changes nothing, and the
 * second sees that vote.
 */
async function bothAgree(scene: Scene, asked: Answer): Promise<void> {
  must(
    asked.status === 202,
    `no approval was requested: HTTP ${asked.status} ${JSON.stringify(asked.body).slice(0, 800)}`,
  );
  const approval = String(asked.body['approval_id']);
  const state = async () => (await scene.admin('GET', `/v1/approvals/${approval}`)).body;
  await scene.approve('dana', approval);
  await scene.until(
    "Dana's vote counts",
    async () => (await scene.ledger('APPROVAL_VOTED', `&call=${String(asked.body['call_id'])}`)).length > 0,
  );
  must((await state())['state'] === 'pending', 'one vote was enough');
  const { firstName, lastName } = samplePerson('dana');
  // A vote on the message from before Dana's would be out of date.
  await scene.approve('ivan', approval, `Approved by ${firstName} ${lastName}`);
  await scene.until(
    'both have approved and it is executed',
    async () => (await scene.ledger('CALL_SUCCEEDED', `&call=${String(asked.body['call_id'])}`)).length > 0,
  );
}

/** Dana maps Finance to a role of its own with these scopes, and Ivan agrees. Answers what Ivan was shown. */
async function mapped(scene: Scene, scopes: string): Promise<string> {
  const changes = async () =>
    (await scene.ledger('authority_changed')).filter((entry) => entry.data['change'] === 'mapped').length;
  const before = await changes();
  await scene.form('dana', '/group map', { Group: FINANCE, Role: 'finance', Scopes: scopes });
  const message = await scene.approve('ivan', 'Map a group');
  await scene.until('the mapping exists', async () => (await changes()) > before);
  const effect = /"text":"Effect: "[^}]*\}\},\{"type":"text","text":"([^"]*)"/.exec(
    JSON.stringify(message.blocks),
  );
  return effect?.[1] ?? message.text;
}
