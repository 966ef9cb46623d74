import { samplePerson } from '#sandbox/company.ts';
import { slackDriver, type SimMessage } from '#sandbox/slack/index.ts';
import type { Instance } from './instance.ts';
import { must } from './output.ts';
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

/** What people and administrators do in a story, each through a public door. Every function rejects where the door refuses. */
export interface Scene {
  readonly instance: Instance;
  readonly slack: ReturnType<typeof slackDriver>;
  /** Types a command in Slack, fills the form that opens, and sends it. */
  form(person: string, command: string, values: Values): Promise<void>;
  /** Types a command in Slack and sends the request that its card previews. */
  send(person: string, command: string): Promise<void>;
  /** Waits for an approval in Slack that shows these words, and clicks Approve. Answers the message as it was. */
  approve(person: string, words: string): Promise<SimMessage>;
  /** Uses a tool over REST with the person's own Okta access token. */
  as(person: string, tool: string, input: Record<string, unknown>): Promise<Answer>;
  /** The same, and answers the result; rejects where it is not done. */
  use(person: string, tool: string, input: Record<string, unknown>): Promise<Record<string, unknown>>;
  /** Any request of the REST API, with the first administrator's key unless another is named. */
  admin(method: string, path: string, body?: unknown, key?: string): Promise<Answer>;
  /** A new API key with these scopes. */
  apiKey(name: string, scopes: readonly string[]): Promise<string>;
  /** Entries of the ledger; `query` filters as the API does. */
  ledger(event: string, query?: string): Promise<LedgerLine[]>;
  /** Asks until there is an answer, for 15 seconds unless it is said how many. */
  until<T>(what: string, probe: () => Promise<T | null | undefined | false>, seconds?: number): Promise<T>;
  /** Has Dana register an agent in Slack; its key is new. */
  register(name: string, owner: string, scopes: string): Promise<DemoAgent>;
  /** Has a person give a mandate over REST; answers its id. `approver` clicks Approve in Slack where policy asks. */
  mandate(person: string, input: Record<string, unknown>, approver?: string): Promise<string>;
  /** What `mandate_show` answers an IT admin's principal: the person who gave it. */
  mandateOf(person: string, mandateId: string): Promise<Record<string, unknown>>;
}

const DELEGATION_SCOPES = ['delegation:create', 'delegation:read', 'delegation:revoke'];

const nameOf = (person: string): string => {
  const { firstName, lastName } = samplePerson(person);
  return `${firstName} ${lastName}`;
};

/** The scene of a fresh instance. */
export function scene(instance: Instance): Scene {
  const slack = slackDriver(instance.slackUrl);
  const clicked = new Set<string>();
  const here: Scene = {
    instance,
    slack,
    form: async (person, command, values) => {
      const typed = await slack.as(person).types(command);
      // The form may open a moment after the command was answered.
      const view =
        typed.view ?? (await here.until(`${command} opens a form`, () => slack.as(person).modal()));
      const sent = await slack.as(person).fills(view, values).submits();
      must(
        sent.status === 200 && sent.errors === undefined,
        `${command} was refused: ${JSON.stringify(sent.errors)}`,
      );
    },
    send: async (person, command) => {
      const typed = await slack.as(person).types(command);
      // The card may come a moment after the command was answered; one that was sent shows its button no more.
      const card =
        typed.ephemerals[0] ??
        (await here.until(`${command} shows its card`, async () =>
          (await slack.as(person).sees()).findLast((one) =>
            JSON.stringify(one.blocks).includes('Send request'),
          ),
        ));
      must(
        JSON.stringify(card.blocks).includes('Send request'),
        `${command} shows no request: ${JSON.stringify(typed).slice(0, 500)}`,
      );
      await slack.as(person).clicks(card, 'Send request');
    },
    approve: async (person, words) => {
      const message = await slack
        .as(person)
        .waitsFor(
          (one) =>
            !clicked.has(`${person} ${one.ts}`) &&
            JSON.stringify(one).includes(words) &&
            JSON.stringify(one.blocks).includes('"Approve"'),
          15_000,
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
    apiKey: async (name, scopes) => {
      const path = `/v1/tenants/${instance.company.tenant_id}/api-keys`;
      const { status, body } = await here.admin('POST', path, { name, scopes });
      must(status === 201, `no API key: HTTP ${status} ${JSON.stringify(body)}`);
      const key = Object.values(body).find(
        (one): one is string => typeof one === 'string' && one.startsWith(`${instance.company.tenant_id}:`),
      );
      must(key, `no key in ${Object.keys(body).join(', ')}`);
      return key;
    },
    ledger: async (event, query = '') => {
      const { body } = await here.admin('GET', `/v1/ledger?event=${event}&limit=1000${query}`);
      return body['entries'] as LedgerLine[];
    },
    until: async (what, probe, seconds = 15) => {
      for (const deadline = Date.now() + seconds * 1000; Date.now() < deadline;) {
        const value = await probe();
        if (value !== null && value !== undefined && value !== false) return value;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      throw new Error(`did not happen within ${seconds} s: ${what}`);
    },
    register: async (name, owner, scopes) => {
      const agent = demoAgent(instance);
      await here.form('dana', `/agent register ${name}`, {
        Owner: nameOf(owner),
        Scopes: scopes,
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
      if (approver === undefined) {
        must(answer.body['status'] === 'done', `no mandate: ${JSON.stringify(answer.body)}`);
        return String((answer.body['result'] as Record<string, unknown>)['mandate_id']);
      }
      must(answer.status === 202, `nobody is asked: HTTP ${answer.status} ${JSON.stringify(answer.body)}`);
      await here.approve(approver, 'Give a mandate');
      const call = String(answer.body['call_id']);
      const [created] = await here.until('the mandate stands', async () => {
        const lines = await here.ledger('MANDATE_CREATED', `&call=${call}`);
        return lines.length > 0 && lines;
      });
      return String(created?.data['mandate_id']);
    },
    mandateOf: (person, mandateId) => here.use(person, 'mandate_show', { mandate_id: mandateId }),
  };
  return here;
}
