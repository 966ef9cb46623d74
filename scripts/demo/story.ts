import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { samplePerson, SAMPLE_COMPANY } from '#sandbox/company.ts';
import { slackDriver, type SimMessage } from '#sandbox/slack/index.ts';
import type { Instance } from './instance.ts';
import { must, until, type Step } from './output.ts';
import { unfolded } from './scene.ts';
import { claimsOf, control, demoAgent, okta, oktaToken, rest } from './wire.ts';

const [ann, bob, carl, mona, dana, nina] = ['ann', 'bob', 'carl', 'mona', 'dana', 'nina'].map(
  samplePerson,
) as [Sample, Sample, Sample, Sample, Sample, Sample];
type Sample = ReturnType<typeof samplePerson>;

interface LedgerLine {
  readonly event: string;
  readonly data: Record<string, unknown>;
}

const CLI = fileURLToPath(new URL('../../src/main/cli.ts', import.meta.url));
const shows = (words: string) => (message: SimMessage) => JSON.stringify(message).includes(words);

/** The main story: a mandate from its birth to its end, on real protocols. */
export function mainStory(instance: Instance): Step[] {
  const slack = slackDriver(instance.slackUrl);
  const agent = demoAgent(instance);
  const state = {
    mandate: '',
    token: '',
    approval: '',
    pending: '',
    pendingMessage: null as SimMessage | null,
  };
  const ledger = async (event: string): Promise<LedgerLine[]> => {
    const { text } = await rest(instance, `/v1/ledger?event=${event}&limit=200`);
    return (JSON.parse(text) as { entries: LedgerLine[] }).entries;
  };
  const mandates = async (): Promise<{ mandate_id: string; state: string }[]> => {
    const response = await fetch(`${instance.url}/v1/tools/mandate_list`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${instance.company.api_keys.admin}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify({ state: 'all' }),
    });
    const answer = (await response.json()) as {
      result?: { mandates: { mandate_id: string; state: string }[] };
    };
    return answer.result?.mandates ?? [];
  };

  return [
    {
      name: 'company-imported',
      title:
        'The tenant is set up: API keys, an Okta connection, and people, groups and managers imported from Okta',
      run: async (say) => {
        const [synced] = await ledger('sync_completed');
        must(synced, 'there is no sync_completed in the ledger');
        const { people, groups, memberships } = synced.data as Record<string, number>;
        say(`ledger sync_completed: ${people} people, ${groups} groups, ${memberships} memberships`);
        must(
          people === SAMPLE_COMPANY.people.length,
          `expected ${SAMPLE_COMPANY.people.length} people, found ${people}`,
        );
        const ready = await fetch(`${instance.url}/readyz`);
        must(ready.status === 200, `readyz answers ${ready.status}`);
        return `tenant ${instance.company.tenant_id}, ${people} people from Okta over OAuth (private key JWT)`;
      },
    },
    {
      name: 'agent-registered',
      title: 'Dana, an IT admin, registers an agent with its public key; Carl owns it',
      run: async (say) => {
        const typed = await slack.as('dana').types('/agent register deploy-bot');
        must(typed.view, `no form opened: ${JSON.stringify(typed)}`);
        const form = slack.as('dana').fills(typed.view, {
          Owner: 'Carl Jensen',
          Scopes: ['okta.mfa.reset', 'okta.password.reset'],
          'Public key': agent.publicJwk,
        });
        const sent = await form.submits();
        must(
          sent.status === 200 && sent.errors === undefined,
          `the form was refused: ${JSON.stringify(sent)}`,
        );
        const entry = await until('AGENT_REGISTERED', async () => (await ledger('AGENT_REGISTERED'))[0]);
        const [kid = ''] = entry.data['kids'] as string[];
        agent.identity = { id: String(entry.data['agent']), kid };
        say(`ledger AGENT_REGISTERED: ${agent.identity.id}, key ${agent.identity.kid}`);
        return `${dana.firstName} registered deploy-bot for ${carl.firstName}. It has no authority yet`;
      },
    },
    {
      name: 'mandate-asked',
      title: 'Bob gives the agent a mandate for seven days; policy requires approval from Mona, his manager',
      run: async (say) => {
        const typed = await slack.as('bob').types('/mandate create');
        must(typed.view, `no form opened: ${JSON.stringify(typed)}`);
        const terms = {
          Agent: 'deploy-bot',
          Scopes: ['okta.mfa.reset', 'okta.password.reset'],
          Resources: 'team',
          Days: '7',
          Purpose: 'Re-enrol phones of the team',
        };
        const view = await unfolded(slack.as('bob'), typed.view, Object.keys(terms));
        const sent = await slack.as('bob').fills(view, terms).submits();
        must(
          sent.status === 200 && sent.errors === undefined,
          `the form was refused: ${JSON.stringify(sent)}`,
        );
        const message = await slack.as('mona').waitsFor(shows('Give a mandate'));
        say(`Slack to Mona: ${message.text}`);
        must((await ledger('CALL_WAITING')).length === 1, 'no CALL_WAITING in the ledger');
        must((await mandates()).length === 0, 'a mandate exists before it was approved');
        return 'The mandate waits for approval and does not exist yet';
      },
    },
    {
      name: 'mandate-approved',
      title: 'Mona clicks Approve in Slack, and the mandate becomes active',
      run: async (say) => {
        const message = await slack.as('mona').waitsFor(shows('Give a mandate'));
        await slack.as('mona').clicks(message, 'Approve');
        const entry = await until('MANDATE_CREATED', async () => (await ledger('MANDATE_CREATED'))[0]);
        state.mandate = String(entry.data['mandate_id']);
        say(
          `ledger MANDATE_APPROVED, MANDATE_CREATED: ${state.mandate} until ${String(entry.data['expires_at'])}`,
        );
        const edited = await slack
          .as('mona')
          .waitsFor(
            (one) =>
              one.ts === message.ts &&
              one.versions.length > 0 &&
              !JSON.stringify(one.blocks).includes('"Approve"'),
          );
        say(`Slack message edited: ${edited.text}`);
        return `${state.mandate} is active`;
      },
    },
    {
      name: 'org-token-refused',
      title:
        "The agent presents a token of Okta's org authorization server; the error says which server to use",
      run: async (say) => {
        const { status, body } = await agent.exchange(
          await oktaToken(instance, bob.email, { server: 'org' }),
          state.mandate,
        );
        say(`HTTP ${status} ${JSON.stringify(body)}`);
        must(status === 400 && body['error'] === 'invalid_request', 'it was not refused as invalid_request');
        must(/custom/.test(String(body['error_description'])), 'the error does not say what to do');
        return 'invalid_request: use a token of the custom authorization server';
      },
    },
    {
      name: 'expired-token-refused',
      title: 'An expired Okta token is refused',
      run: async (say) => {
        const { status, body } = await agent.exchange(
          await oktaToken(instance, bob.email, { ttl_seconds: -60 }),
          state.mandate,
        );
        say(`HTTP ${status} ${JSON.stringify(body)}`);
        must(status === 400 && body['error'] === 'invalid_request', 'an expired token was not refused');
        return String(body['error_description']);
      },
    },
    {
      name: 'token-exchanged',
      title: "The agent exchanges Bob's Okta token and the mandate for a delegation token (RFC 8693)",
      run: async (say) => {
        const { status, body } = await agent.exchange(await oktaToken(instance, bob.email), state.mandate);
        must(status === 200, `HTTP ${status} ${JSON.stringify(body)}`);
        state.token = String(body['access_token']);
        const claims = claimsOf(state.token);
        const { sub, act, aud, scope, mandate_id } = claims;
        say(`claims ${JSON.stringify({ sub, act, aud, scope, mandate_id })}`);
        must(
          sub === `oidc:okta:${bob.oktaId}` && mandate_id === state.mandate,
          'the token names other parties',
        );
        const listed = await agent.tools(state.token);
        say(`tools/list: ${listed.join(', ')}`);
        must(
          listed.includes('okta_reset_mfa') &&
            !listed.includes('okta_suspend_user') &&
            !listed.includes('approval_decide'),
          'tools/list is not filtered',
        );
        return `${String(body['token_type'])} token for ${String(body['expires_in'])} s: Bob, acting through deploy-bot`;
      },
    },
    {
      name: 'call-gated',
      title:
        'Over MCP the agent requests to reset the MFA of Ann; this needs approval, so nothing happens yet',
      run: async (say) => {
        const answer = await agent.call(state.token, 'okta_reset_mfa', {
          person: ann.email,
          reason: 'Ann has lost her phone',
        });
        say(`structuredContent ${JSON.stringify(answer.data)}`);
        must(!answer.isError && answer.data['status'] === 'pending_approval', `not pending: ${answer.text}`);
        state.approval = String(answer.data['approval_id']);
        const factors = (await okta(instance, `/users/${ann.oktaId}/factors`)) as unknown[];
        must(factors.length === 3, `Okta shows ${factors.length} factors before the approval`);
        return `pending_approval, waiting for ${JSON.stringify(answer.data['approvers'])}; Okta still has 3 factors`;
      },
    },
    {
      name: 'call-approved',
      title:
        'Mona approves in Slack; Okta removes the factors once; approval_wait returns the result; Bob is notified',
      run: async (say) => {
        const waiting = agent.outcome(state.token, state.approval);
        const message = await slack
          .as('mona')
          .waitsFor((one) => shows('Reset MFA')(one) && JSON.stringify(one.blocks).includes('"Approve"'));
        await slack.as('mona').clicks(message, 'Approve');
        const answer = await waiting;
        say(`approval_wait ${JSON.stringify(answer.data)}`);
        must(answer.data['status'] === 'done', `not done: ${answer.text}`);
        const factors = (await okta(instance, `/users/${ann.oktaId}/factors`)) as unknown[];
        must(factors.length === 0, `Okta still shows ${factors.length} factors`);
        const told = await slack
          .as('bob')
          .waitsFor((one) => shows('Reset MFA')(one) && /done/i.test(one.text));
        say(`Slack to Bob: ${told.text}`);
        const edited = await slack
          .as('mona')
          .waitsFor((one) => one.ts === message.ts && /done/i.test(one.text));
        say(`Slack message edited: ${edited.text}`);
        return 'Okta has removed all factors of Ann, and everyone involved was notified';
      },
    },
    {
      name: 'person-acts',
      title: 'A person does the same kind of thing: Bob types /okta reset password @ann',
      run: async (say) => {
        const typed = await slack.as('bob').types('/okta reset password @ann');
        const card = typed.ephemerals[0] ?? (await slack.as('bob').waitsFor(shows('Send request')));
        must(card, `no preview: ${JSON.stringify(typed)}`);
        say(`Slack to Bob: ${card.text}`);
        await slack.as('bob').clicks(card, 'Send request');
        await until(
          "Ann's status",
          async () =>
            ((await okta(instance, `/users/${ann.oktaId}`)) as { status: string }).status === 'RECOVERY',
        );
        return "Ann's status at Okta is RECOVERY; her manager needs no approval";
      },
    },
    {
      name: 'denied-outside-mandate',
      title: 'Outside the mandate: the agent tries to reset a person in another team',
      run: async (say) => {
        const answer = await agent.call(state.token, 'okta_reset_mfa', { person: nina.email });
        say(`structuredContent ${JSON.stringify(answer.data)}`);
        must(answer.isError && answer.data['code'] === 'outside_mandate', `not refused: ${answer.text}`);
        return `${answer.data['code']}: ${String(answer.data['reason'])}`;
      },
    },
    {
      name: 'denied-colleague',
      title: 'Nina, who manages no one, is refused',
      run: async (say) => {
        const typed = await slack.as('nina').types('/okta reset password @carl');
        const card = typed.ephemerals[0];
        must(card, `no answer: ${JSON.stringify(typed)}`);
        const clicked = JSON.stringify(card.blocks).includes('Send request')
          ? await slack.as('nina').clicks(card, 'Send request')
          : typed;
        const refusal = await until(
          'the refusal',
          async () =>
            clicked.ephemerals.find(shows('managers, for their direct reports')) ??
            (await slack.as('nina').sees()).find(shows('managers, for their direct reports')),
        );
        say(`Slack to Nina: ${refusal.text}`);
        must(
          (await ledger('CALL_DENIED')).some((entry) => entry.data['code'] === 'no_policy_allows'),
          'no CALL_DENIED in the ledger',
        );
        return 'refused, and the message says who can do it: managers for their direct reports, IT admins';
      },
    },
    {
      name: 'denied-own-click',
      title: 'Bob forges a click on his own request, and a stranger forges a signature',
      run: async (say) => {
        const answer = await agent.call(state.token, 'okta_reset_password', { person: carl.email });
        must(answer.data['status'] === 'pending_approval', `not pending: ${answer.text}`);
        state.pending = String(answer.data['approval_id']);
        const message = await slack
          .as('mona')
          .waitsFor(
            (one) =>
              shows('Reset password for Carl')(one) && JSON.stringify(one.blocks).includes('"Approve"'),
          );
        state.pendingMessage = message;
        const payload = clickPayload(bob.slackId, message);
        const own = (await control(`${instance.slackUrl}/_sandbox/send`, 'POST', {
          kind: 'interactive',
          payload,
        })) as { status: number };
        const refused = await until('VOTE refused', async () =>
          (await ledger('CALL_DENIED')).find((entry) => entry.data['tool'] === 'approval_decide'),
        );
        say(`click as Bob: HTTP ${own.status}, ledger CALL_DENIED ${JSON.stringify(refused.data)}`);
        const forged = (await control(`${instance.slackUrl}/_sandbox/send`, 'POST', {
          kind: 'interactive',
          payload: clickPayload(mona.slackId, message),
          tamper: { secret: 'not-the-signing-secret' },
        })) as { status: number };
        say(`click as Mona with a forged signature: HTTP ${forged.status}`);
        must(forged.status === 401, `the forged signature was answered ${forged.status}`);
        const { text } = await rest(instance, `/v1/approvals/${state.pending}`);
        must(
          (JSON.parse(text) as { state: string }).state === 'pending',
          `the approval is no longer pending: ${text}`,
        );
        return 'both are refused; the request still waits';
      },
    },
    {
      name: 'principal-deprovisioned',
      title:
        'Okta sends SCIM PATCH active:false for Bob: in that transaction, everything that depends on him ends',
      run: async (say) => {
        await control(`${instance.oktaUrl}/_sandbox/users/${bob.oktaId}/provision`, 'POST', {});
        const exchanges = (await control(
          `${instance.oktaUrl}/_sandbox/users/${bob.oktaId}/deactivate-app`,
          'POST',
          {},
        )) as unknown[];
        say(`SCIM ${JSON.stringify(exchanges).slice(0, 400)}`);
        const revoked = (await ledger('MANDATE_REVOKED')).filter(
          (entry) => entry.data['mandate_id'] === state.mandate,
        );
        say(`ledger MANDATE_REVOKED ${JSON.stringify(revoked.map((entry) => entry.data))}`);
        must(
          revoked.length === 1 && revoked[0]?.data['reason'] === 'User deprovisioned via SCIM',
          'there is not exactly one MANDATE_REVOKED with the reason',
        );
        must(
          (await mandates()).every((one) => one.state === 'revoked'),
          'a mandate is not revoked',
        );
        return `${state.mandate} is REVOKED: User deprovisioned via SCIM`;
      },
    },
    {
      name: 'token-dead',
      title: "The agent's next call with its unexpired token gets 401, and its next exchange invalid_grant",
      run: async (say) => {
        const left = Number(claimsOf(state.token)['exp']) - Math.floor(Date.now() / 1000);
        const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} });
        const headers = {
          authorization: `Bearer ${state.token}`,
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
        };
        const response = await fetch(`${instance.url}/mcp`, { method: 'POST', headers, body });
        say(`MCP HTTP ${response.status}, WWW-Authenticate: ${response.headers.get('www-authenticate')}`);
        must(left > 0, 'the token has expired meanwhile (slow machine?)');
        must(response.status === 401, `HTTP ${response.status} with ${left} s left`);
        const exchange = await agent.exchange(await oktaToken(instance, bob.email), state.mandate);
        say(`token endpoint HTTP ${exchange.status} ${JSON.stringify(exchange.body)}`);
        must(
          exchange.status === 400 && exchange.body['error'] === 'invalid_grant',
          'the exchange was not refused as invalid_grant',
        );
        return `401 with ${left} s left on the token; invalid_grant`;
      },
    },
    {
      name: 'approvals-withdrawn',
      title: "Bob's pending request is withdrawn, and its Slack message says so",
      run: async (say) => {
        const { text } = await rest(instance, `/v1/approvals/${state.pending}`);
        must(
          (JSON.parse(text) as { state: string }).state === 'withdrawn',
          `the approval is not withdrawn: ${text}`,
        );
        const edited = await slack
          .as('mona')
          .waitsFor((one) => one.ts === state.pendingMessage?.ts && /withdrawn/i.test(one.text));
        say(`Slack message edited: ${edited.text}`);
        must(!JSON.stringify(edited.blocks).includes('"Approve"'), 'the button is still there');
        return 'no one can approve it now';
      },
    },
    {
      name: 'ledger-verified',
      title: 'The ledger is exported and verified offline',
      run: async (say) => {
        const file = join(instance.folder, 'ledger.ndjson');
        const exported = await rest(instance, '/v1/ledger/export');
        must(exported.status === 200, `the export answers ${exported.status}`);
        await writeFile(file, exported.text);
        const words = execFileSync(process.execPath, [CLI, 'verify-ledger', file], { encoding: 'utf8' });
        say(words.trim().split('\n').join(' | '));
        const lines = (await readFile(file, 'utf8')).trim().split('\n');
        const forged = join(instance.folder, 'forged.ndjson');
        await writeFile(forged, lines.toSpliced(5, 1).join('\n'));
        must(!holds(forged), 'the verifier did not notice the removed entry');
        return `${lines.length} entries are valid; with one entry removed, the verifier reports a broken chain`;
      },
    },
  ];
}

function holds(file: string): boolean {
  try {
    execFileSync(process.execPath, [CLI, 'verify-ledger', file], { stdio: 'pipe' });
    return true;
  } catch {
    return false;
  }
}

/** What Slack would send if this person clicked Approve on that message, whether or not they can see it. */
function clickPayload(slackUser: string, message: SimMessage): Record<string, unknown> {
  const actions = message.blocks.flatMap((block) =>
    block.type === 'actions'
      ? block.elements.map((element) => ({ ...element, block_id: block.block_id }))
      : [],
  );
  const approve = actions.find((element) => JSON.stringify(element).includes('"Approve"'));
  const at = (Date.now() / 1000).toFixed(6);
  return {
    type: 'block_actions',
    api_app_id: SAMPLE_COMPANY.slackAppId,
    team: { id: SAMPLE_COMPANY.slackTeamId, domain: 'acme' },
    user: { id: slackUser, team_id: SAMPLE_COMPANY.slackTeamId, username: 'forged', name: 'forged' },
    trigger_id: `${at}.forged.${slackUser}`,
    container: { type: 'message', message_ts: message.ts, channel_id: message.channel, is_ephemeral: false },
    channel: { id: message.channel, name: 'directmessage' },
    message: { type: 'message', ts: message.ts, text: message.text, blocks: message.blocks },
    actions: [{ ...approve, action_ts: at }],
  };
}
