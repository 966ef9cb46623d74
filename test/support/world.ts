import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { importJWK, SignJWT, type JWK } from 'jose';
import postgres from 'postgres';
import type { Actor, PersonActor } from '#domain/actor.ts';
import type { LedgerEntry } from '#domain/ledger/entry.ts';
import { findPersonByUid, type Person } from '#domain/person/store.ts';
import type { App } from '#engine/app.ts';
import { approvalView } from '#engine/approve/view.ts';
import { call } from '#engine/call.ts';
import type { Outcome } from '#engine/outcome.ts';
import type { SetUpAnswer } from '#engine/set-up.ts';
import { readonly } from '#engine/transact.ts';
import { createLogger } from '#lib/log.ts';
import { samplePerson } from '#sandbox/company.ts';
import { startOktaSimulator, type OktaSimulator } from '#sandbox/okta/index.ts';
import { startSlackSimulator, type SlackSimulator } from '#sandbox/slack/index.ts';
import { readConfig } from '../../src/main/config.ts';
import { startSandbox } from '../../src/main/sandbox-mode.ts';
import { startServer, type RunningServer } from '../../src/main/server.ts';
import { membersOnRows, type AnyWorld } from './bare-world.ts';
import { copyDatabase } from './copy-database.ts';
import { layWire, type Wire } from './proxy.ts';

/** An agent, with its private key. */
export interface TestAgent {
  readonly id: string;
  readonly name: string;
  readonly privateJwk: JWK;
}

/** A complete product on its own database, with its simulators and the sample company. */
export interface World extends AnyWorld {
  readonly url: string;
  readonly app: App;
  readonly server: RunningServer;
  readonly okta: OktaSimulator;
  readonly slack: SlackSimulator;
  readonly company: SetUpAnswer;
  readonly tenantId: string;
  /** The server's wire to the database, if requested. `sql` does not go through it. */
  readonly wire: Wire | null;
  person(key: string): Promise<Person>;
  /** The sample person as an actor from Slack. */
  actor(key: string): Promise<PersonActor>;
  as(
    actor: Actor,
    tool: string,
    input: unknown,
    more?: { reason?: string; waitMs?: number },
  ): Promise<Outcome>;
  /** The ledger of the sample company. */
  ledger(event?: string): Promise<LedgerEntry[]>;
  /** An agent, registered by Dana. Its ceiling is every Okta scope unless given. */
  agent(name: string, owner: string, scopes?: string[]): Promise<TestAgent>;
  /**
   * A mandate of `principal`, approved by their manager if policy asks. Waits until it is active and returns
   * its id.
   */
  mandate(principal: string, agent: TestAgent, terms?: Record<string, unknown>): Promise<string>;
  /** Votes on an approval as a sample person, on its current version. */
  vote(key: string, approvalId: string, decision?: 'approve' | 'deny', note?: string): Promise<Outcome>;
  /** Gives an API key scopes that act: Dana asks, another IT admin agrees. Waits until the key has them. */
  grant(keyId: string, scopes: readonly string[], source?: string): Promise<void>;
  /** The output of an outcome. If it waits, everybody who can approves it in turn, until it is done. */
  agreed(outcome: Outcome): Promise<Record<string, unknown>>;
  assertion(agent: TestAgent, claims?: Record<string, unknown>): Promise<string>;
  /** Exchanges at the token endpoint, over HTTP. */
  exchange(
    agent: TestAgent,
    principal: string,
    mandateId: string,
    form?: Record<string, string>,
  ): Promise<{ status: number; body: Record<string, unknown> }>;
  /** A delegation token. Throws an Error with the endpoint's answer if there is none. */
  token(
    agent: TestAgent,
    principal: string,
    mandateId: string,
    form?: Record<string, string>,
  ): Promise<string>;
  /**
   * Moves the end of people's sessions 30 seconds back. A provider's token from the first seconds after that
   * end is refused.
   */
  signedInAgain(): Promise<void>;
  /** Starts a second server on the same database and simulators, as another process would. */
  second(): Promise<RunningServer>;
}

/**
 * Polls until `probe` returns something other than null, undefined or false. Throws an Error after
 * `milliseconds`.
 */
export async function eventually<T>(
  probe: () => Promise<T | null | undefined | false>,
  what: string,
  milliseconds = 90_000,
): Promise<T> {
  const deadline = Date.now() + milliseconds;
  for (;;) {
    const value = await probe();
    if (value !== null && value !== undefined && value !== false) return value;
    if (Date.now() > deadline) throw new Error(`did not happen within ${milliseconds} ms: ${what}`);
    await sleep(25);
  }
}

/**
 * Opens a world. `now` is the server's clock; `holdMs` is how long MCP holds a gated call; `wire` adds a wire
 * to the database that can be cut.
 */
export async function openWorld(
  options: {
    now?: () => Date;
    holdMs?: number;
    okta?: Parameters<typeof startOktaSimulator>[0];
    wire?: boolean;
    /**
     * Options of the browser side: whether clients may register themselves, and how their documents are
     * fetched.
     */
    oauth?: Parameters<typeof startServer>[0]['oauth'];
    /** What expensive reads may take. */
    browsing?: Parameters<typeof startServer>[0]['browsing'];
  } = {},
): Promise<World> {
  const databaseUrl = await copyDatabase();
  const wire = options.wire === true ? await layWire(databaseUrl) : null;
  const ownerUrl = wire?.url ?? databaseUrl;
  const folder = await mkdtemp(join(tmpdir(), 'prokura-world-'));
  const okta = await startOktaSimulator(options.okta ?? {});
  const slack = await startSlackSimulator({ settleMs: 5_000 });
  const config = readConfig({
    PORT: '0',
    PROKURA_DATA: folder,
    DATABASE_URL: ownerUrl,
    SANDBOX_OKTA_URL: okta.url,
    SANDBOX_SLACK_URL: slack.url,
    SANDBOX_SLACK_BOT_TOKEN: slack.botToken,
    SANDBOX_SLACK_SIGNING_SECRET: slack.signingSecret,
  });
  const sandbox = await startSandbox(config);
  const logs: Record<string, unknown>[] = [];
  const log = createLogger('info', {
    write: (line) => void logs.push(JSON.parse(line) as Record<string, unknown>),
  });
  const start = (port: number, publicUrl: string | null) =>
    startServer({
      mode: 'sandbox',
      port,
      host: '127.0.0.1',
      publicUrl,
      ownerUrl,
      masterKey: sandbox.masterKey,
      log,
      okta: sandbox.okta,
      slack: sandbox.slack,
      ...(options.now === undefined ? {} : { now: options.now }),
      holdMs: options.holdMs ?? 300,
      ...(options.oauth === undefined ? {} : { oauth: options.oauth }),
      ...(options.browsing === undefined ? {} : { browsing: options.browsing }),
    });
  const server = await start(0, null);
  const company = await sandbox.introduce(server);
  if (company === null) throw new Error('the sample company was not made');
  const sql = postgres(databaseUrl, { max: 2, onnotice: () => {} });
  const { app, url } = server;
  const tenantId = company.tenant_id;
  const seconds: RunningServer[] = [];

  const person = async (key: string) => {
    const found = await readonly(app, tenantId, (reader) =>
      findPersonByUid(reader, 'okta', samplePerson(key).oktaId),
    );
    if (found === null) throw new Error(`${key} has not been imported`);
    return found;
  };
  const actor = async (key: string): Promise<PersonActor> => ({
    kind: 'person',
    surface: 'slack',
    personId: (await person(key)).id,
    identity: { account: `${slack.teamId}/${samplePerson(key).slackId}`, matched_by: 'email' },
  });
  const as: World['as'] = (who, tool, input, more = {}) =>
    call(app, { tenantId, actor: who, tool, input, ...more });
  const vote: World['vote'] = async (key, approvalId, decision = 'approve', note) => {
    const [row] = await sql<{ version: number }[]>`select version from approvals where id = ${approvalId}`;
    return as(await actor(key), 'approval_decide', {
      approval_id: approvalId,
      decision,
      version: row?.version ?? 0,
      ...(note === undefined ? {} : { note }),
    });
  };
  const assertion: World['assertion'] = async (agent, claims = {}) => {
    const key = await importJWK(agent.privateJwk, 'ES256');
    return new SignJWT({ jti: randomUUID(), ...claims })
      .setProtectedHeader({ alg: 'ES256', kid: agent.privateJwk.kid ?? '' })
      .setIssuer(agent.id)
      .setSubject(agent.id)
      .setAudience(`${app.baseUrl}/t/${tenantId}`)
      .setIssuedAt()
      .setExpirationTime('60s')
      .sign(key);
  };
  const exchange: World['exchange'] = async (agent, principal, mandateId, form = {}) => {
    const body = new URLSearchParams({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: await okta.tokenFor(samplePerson(principal).email, { scopes: ['delegation:exchange'] }),
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      mandate_id: mandateId,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: await assertion(agent),
      ...form,
    });
    const response = await fetch(`${url}/t/${tenantId}/oauth2/token`, { method: 'POST', body });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };

  const agreed: World['agreed'] = async (outcome) => {
    if (outcome.status === 'done') return outcome.output;
    if (outcome.status !== 'waiting') throw new Error(`nobody was asked: ${JSON.stringify(outcome)}`);
    const { approvalId, callId } = outcome;
    for (;;) {
      const view = await readonly(app, tenantId, (reader) => approvalView(reader, approvalId));
      if (view?.approval.state !== 'pending') break;
      const open = view.requirements.filter((one) => one.given < one.requirement.quorum);
      const voter = open
        .flatMap((one) => one.eligible)
        .find((person) => !view.votes.some((vote) => vote.voter.id === person.id));
      if (voter === undefined) throw new Error(`nobody can approve ${approvalId}`);
      const identity = { account: `${slack.teamId}/${voter.id}`, matched_by: 'email' };
      const ballot = {
        approval_id: approvalId,
        decision: 'approve',
        version: view.approval.version,
      };
      await as({ kind: 'person', surface: 'slack', personId: voter.id, identity }, 'approval_decide', ballot);
    }
    const row = await eventually(
      async () =>
        (
          await sql<
            { result: Record<string, unknown> }[]
          >`select result from calls where id = ${callId} and state = 'succeeded'`
        )[0],
      'what was agreed is done',
    );
    return row.result;
  };

  const members = membersOnRows(app);
  return {
    ...members,
    url,
    ownerUrl: databaseUrl,
    wire,
    app,
    server,
    okta,
    slack,
    company,
    tenantId,
    logs,
    sql,
    person,
    actor,
    as,
    vote,
    assertion,
    exchange,
    agreed,
    grant: async (key, scopes, source) => {
      const input = { key, scopes, ...(source === undefined ? {} : { source }) };
      await agreed(await as(await actor('dana'), 'api_key_grant', input));
    },
    ledger: (event) => members.ledgerOf(tenantId, event),
    agent: async (
      name,
      owner,
      scopes = ['okta.mfa.reset', 'okta.password.reset', 'okta.users.read', 'okta.users.suspend'],
    ) => {
      const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const publicJwk = pair.publicKey.export({ format: 'jwk' });
      const outcome = await as(await actor('dana'), 'agent_register', {
        name,
        owner: (await person(owner)).id,
        scopes,
        public_key: JSON.stringify(publicJwk),
      });
      if (outcome.status !== 'done')
        throw new Error(`the agent was not registered: ${JSON.stringify(outcome)}`);
      return {
        id: String(outcome.output['agent_id']),
        name,
        privateJwk: { ...pair.privateKey.export({ format: 'jwk' }), kid: String(outcome.output['kid']) },
      };
    },
    mandate: async (principal, agent, terms = {}) => {
      const input = {
        agent: agent.id,
        scopes: ['okta.mfa.reset', 'okta.password.reset'],
        resources: ['team'],
        days: 7,
        purpose: 'for a test',
        ...terms,
      };
      let outcome = await as(await actor(principal), 'mandate_create', input);
      if (outcome.status === 'waiting') {
        const { callId, approvalId } = outcome;
        const manager = samplePerson(principal).manager;
        if (manager === null) throw new Error(`${principal} has no manager`);
        const voted = await vote(manager, approvalId);
        if (voted.status !== 'done') throw new Error(`the vote failed: ${JSON.stringify(voted)}`);
        const row = await eventually(
          async () =>
            (
              await sql<
                { state: string; result: { mandate_id: string } }[]
              >`select state, result from calls where id = ${callId} and state = 'succeeded'`
            )[0],
          'the mandate stands',
        );
        outcome = { status: 'done', callId, output: row.result };
      }
      if (outcome.status !== 'done') throw new Error(`no mandate: ${JSON.stringify(outcome)}`);
      return String(outcome.output['mandate_id']);
    },
    token: async (agent, principal, mandateId, form) => {
      const { status, body } = await exchange(agent, principal, mandateId, form);
      if (status !== 200) throw new Error(`no token: ${status} ${JSON.stringify(body)}`);
      return String(body['access_token']);
    },
    signedInAgain: async () => {
      await sql`update people set tokens_not_before = tokens_not_before - interval '30 seconds' where tokens_not_before is not null`;
    },
    second: async () => {
      const another = await start(0, app.baseUrl);
      seconds.push(another);
      return another;
    },
    close: async () => {
      for (const another of seconds) await another.close();
      await server.close();
      await sandbox.close();
      await slack.close();
      await okta.close();
      await sql.end();
      await wire?.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
