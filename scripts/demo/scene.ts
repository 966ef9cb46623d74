import { samplePerson } from '#sandbox/company.ts';
import { slackDriver, type SimMessage, type SimView, type SlackPerson } from '#sandbox/slack/index.ts';
import type { Instance } from './instance.ts';
import { must, until } from './output.ts';
import { demoAgent, jsonOf, oktaToken, type Answer, type DemoAgent } from './wire.ts';

/** An entry of the ledger, as its API shows it. */
export interface LedgerLine {
  readonly seq: number;
  readonly event: string;
  readonly actor: string;
  readonly data: Record<string, unknown>;
}

/** What a person types into the fields of a Slack form, by label. */
type Values = Record<string, string | boolean | readonly string[]>;

/**
 * What people and administrators do in a story, each through a public interface. Every function rejects where
 * the interface refuses.
 */
export interface Scene {
  readonly instance: Instance;
  readonly slack: ReturnType<typeof slackDriver>;
  /** Types a command in Slack, fills the form that opens, and sends it. */
  form(person: string, command: string, values: Values): Promise<void>;
  /** Types a command in Slack and sends the request that its card previews. */
  send(person: string, command: string): Promise<void>;
  /**
   * Waits for the card that a form shows where its fields only name what will change, and sends the request.
   */
  sendCard(person: string, what: string): Promise<void>;
  /**
   * Waits for an approval in Slack that shows these words, and clicks Approve. Answers the message as it was.
   */
  approve(person: string, ...words: readonly string[]): Promise<SimMessage>;
  /** Uses a tool over REST with the person's own Okta access token. */
  as(person: string, tool: string, input: Record<string, unknown>): Promise<Answer>;
  /** The same, and answers the result; rejects where it is not done. */
  use(person: string, tool: string, input: Record<string, unknown>): Promise<Record<string, unknown>>;
  /** Any request of the REST API, with the first administrator's key unless another is named. */
  admin(method: string, path: string, body?: unknown, key?: string): Promise<Answer>;
  /**
   * A new API key. The first administrator's key makes it with what only looks; what acts, Dana grants it in
   * Slack and Ivan agrees.
   */
  apiKey(name: string, looks: readonly string[], acts?: readonly string[]): Promise<string>;
  /** Entries of the ledger; `query` filters as the API does. */
  ledger(event: string, query?: string): Promise<LedgerLine[]>;
  readonly until: typeof until;
  /** Has Dana register an agent in Slack; its key is new. */
  register(name: string, owner: string, scopes: string): Promise<DemoAgent>;
  /**
   * Has a person give a mandate over REST; answers its id. An agent may hold such a token, so the person
   * confirms it in Slack; then `approver` clicks Approve there where policy asks.
   */
  mandate(person: string, input: Record<string, unknown>, approver?: string): Promise<string>;
  /**
   * Has an agent hand its mandate on to somebody else's agent; `approver` clicks Approve in Slack. Answers
   * the id of the part.
   */
  handOn(agent: DemoAgent, token: string, input: Record<string, unknown>, approver: string): Promise<string>;
  /** What `mandate_show` answers an IT admin's principal: the person who gave it. */
  mandateOf(person: string, mandateId: string): Promise<Record<string, unknown>>;
}

const DELEGATION_SCOPES = ['delegation:create', 'delegation:read', 'delegation:revoke'];

const nameOf = (person: string): string => {
  const { firstName, lastName } = samplePerson(person);
  return `${firstName} ${lastName}`;
};

/** The form with these fields: those that may be left out wait behind a button. */
export async function unfolded(
  person: SlackPerson,
  view: SimView,
  labels: readonly string[],
): Promise<SimView> {
  const shown = JSON.stringify(view.blocks);
  if (labels.every((label) => shown.includes(JSON.stringify(label)))) return view;
  const { view: all } = await person.clicks(view, 'More options');
  must(all, `${view.title} shows no more options`);
  return all;
}

/** The scene of a fresh instance. */
export function scene(instance: Instance): Scene {
  const slack = slackDriver(instance.slackUrl);
  const clicked = new Set<string>();
  // The card may come a moment after the command was answered, and the button of the one before may go a
  // moment later still.
  const cardOf = (person: string, what: string): Promise<SimMessage> =>
    until(`${what} shows its card`, async () =>
      (await slack.as(person).sees()).findLast(
        (one) => !clicked.has(`${person} ${one.ts}`) && JSON.stringify(one.blocks).includes('Send request'),
      ),
    );
  const sendsCard = async (person: string, card: SimMessage): Promise<void> => {
    clicked.add(`${person} ${card.ts}`);
    await slack.as(person).clicks(card, 'Send request');
  };
  const here: Scene = {
    instance,
    slack,
    form: async (person, command, values) => {
      const typed = await slack.as(person).types(command);
      // The form may open a moment after the command was answered.
      const opened =
        typed.view ?? (await here.until(`${command} opens a form`, () => slack.as(person).modal()));
      const view = await unfolded(slack.as(person), opened, Object.keys(values));
      const sent = await slack.as(person).fills(view, values).submits();
      must(
        sent.status === 200 && sent.errors === undefined,
        `${command} was refused: ${JSON.stringify(sent.errors)}`,
      );
    },
    sendCard: async (person, what) => sendsCard(person, await cardOf(person, what)),
    send: async (person, command) => {
      const typed = await slack.as(person).types(command);
      const card = typed.ephemerals[0] ?? (await cardOf(person, command));
      must(
        JSON.stringify(card.blocks).includes('Send request'),
        `${command} shows no request: ${JSON.stringify(typed).slice(0, 500)}`,
      );
      await sendsCard(person, card);
    },
    approve: async (person, ...words) => {
      const message = await slack
        .as(person)
        .waitsFor(
          (one) =>
            !clicked.has(`${person} ${one.ts}`) &&
            words.every((each) => JSON.stringify(one).includes(each)) &&
            JSON.stringify(one.blocks).includes('"Approve"'),
        );
      // Its buttons go a moment after the vote; whoever has clicked does not click it again.
      clicked.add(`${person} ${message.ts}`);
      await slack.as(person).clicks(message, 'Approve');
      return message;
    },
    as: async (person, tool, input) => {
      const token = await oktaToken(instance, samplePerson(person).email, { scopes: DELEGATION_SCOPES });
      return here.admin('POST', `/v1/tools/${tool}`, input, token);
    },
    use: async (person, tool, input) => {
      const answer = await here.as(person, tool, input);
      must(
        answer.body['status'] === 'done',
        `${tool}: HTTP ${answer.status} ${JSON.stringify(answer.body).slice(0, 800)}`,
      );
      return answer.body['result'] as Record<string, unknown>;
    },
    admin: async (method, path, body, key = instance.company.api_keys.admin) =>
      jsonOf(
        await fetch(`${instance.url}${path}`, {
          method,
          headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        }),
      ),
    apiKey: async (name, looks, acts = []) => {
      const path = `/v1/tenants/${instance.company.tenant_id}/api-keys`;
      const { status, body } = await here.admin('POST', path, { name, scopes: looks });
      must(status === 201, `no API key: HTTP ${status} ${JSON.stringify(body)}`);
      const key = Object.values(body).find(
        (one): one is string => typeof one === 'string' && one.startsWith(`${instance.company.tenant_id}:`),
      );
      must(key, `no key in ${Object.keys(body).join(', ')}`);
      if (acts.length === 0) return key;
      const id = String(body['id']);
      await here.send('dana', `/apikey grant ${id} "${acts.join(', ')}"`);
      await here.approve('ivan', id);
      await here.until('the key has its rights', async () => (await here.ledger('key_granted'))[0]);
      return key;
    },
    ledger: async (event, query = '') => {
      const { body } = await here.admin('GET', `/v1/ledger?event=${event}&limit=1000${query}`);
      return body['entries'] as LedgerLine[];
    },
    until,
    register: async (name, owner, scopes) => {
      const agent = demoAgent(instance);
      await here.form('dana', `/agent register ${name}`, {
        Owner: nameOf(owner),
        Scopes: scopes.split(', '),
        'Public key': agent.publicJwk,
      });
      const { data } = await here.until(`${name} is registered`, async () =>
        (await here.ledger('AGENT_REGISTERED')).find((entry) => entry.data['name'] === name),
      );
      agent.identity = { id: String(data['agent']), kid: (data['kids'] as string[])[0] ?? '' };
      return agent;
    },
    mandate: async (person, input, approver) => {
      const answer = await here.as(person, 'mandate_create', input);
      must(
        answer.status === 202,
        `no approval was requested: HTTP ${answer.status} ${JSON.stringify(answer.body)}`,
      );
      const approval = String(answer.body['approval_id']);
      await here.approve(person, approval);
      // The approver decides on the message that shows the confirmation: one from before would be out of
      // date.
      if (approver !== undefined) await here.approve(approver, approval, `Approved by ${nameOf(person)}`);
      const call = String(answer.body['call_id']);
      const [created] = await here.until('the mandate exists', async () => {
        const lines = await here.ledger('MANDATE_CREATED', `&call=${call}`);
        return lines.length > 0 && lines;
      });
      return String(created?.data['mandate_id']);
    },
    handOn: async (agent, token, input, approver) => {
      const asked = await agent.call(token, 'mandate_delegate', input);
      must(asked.data['status'] === 'pending_approval', `no approval was requested: ${asked.text}`);
      const { approval_id } = asked.data;
      await here.approve(approver, String(approval_id));
      const done = await agent.outcome(token, String(approval_id));
      must(done.data['status'] === 'done', `not delegated: ${done.text}`);
      return String((done.data['result'] as Record<string, unknown>)['mandate_id']);
    },
    mandateOf: (person, mandateId) => here.use(person, 'mandate_show', { mandate_id: mandateId }),
  };
  return here;
}
