import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { sql } from 'drizzle-orm';
import { migrateDatabase, offerBootstrap } from '#db/migrate.ts';
import type { Browsing } from '#db/browsing.ts';
import { openDatabase, SERVER_ROLE } from '#db/pool.ts';
import { checkSessions } from '#db/session-check.ts';
import { openQueue } from '#db/queue.ts';
import { createApiKeyCheck } from '#domain/tenant/api-key.ts';
import { createTokenKernel, type TokenKernel } from '#domain/token/kernel.ts';
import type { App } from '#engine/app.ts';
import { loadCatalogue } from '#engine/catalogue.ts';
import { loadPolicies } from '#engine/decide/policies.ts';
import { createLedgerBatch } from '#engine/record.ts';
import { startSchedules } from '#engine/set-up.ts';
import { listenForSettled } from '#engine/settled.ts';
import { freshen } from '#engine/read-person.ts';
import { readonly, transact } from '#engine/transact.ts';
import { openSecrets, sha256 } from '#lib/crypto.ts';
import { newSecret } from '#lib/id.ts';
import { isStorableUrl } from '#lib/storable.ts';
import type { Logger } from '#lib/log.ts';
import { approvalPageSurface } from '#surfaces/approval-page/index.ts';
import { bootstrapSurface } from '#surfaces/bootstrap/index.ts';
import { homeSurface, type Simulators } from '#surfaces/home/index.ts';
import { mcpSurface } from '#surfaces/mcp/index.ts';
import { browserSide } from '#surfaces/oauth/browser/index.ts';
import { oauthSurface, type OAuthSurface } from '#surfaces/oauth/index.ts';
import { restSurface } from '#surfaces/rest/index.ts';
import { scimSurface } from '#surfaces/scim/index.ts';
import { slackSurface, type SlackSettings } from '#surfaces/slack/index.ts';
import { runChecks } from './check.ts';
import type { OktaConfig } from './config.ts';
import { health } from './health.ts';
import { loadServerJobs } from './jobs.ts';
import { providerLinks } from './providers.ts';

/** The parts of a server process that come from the settings. */
export interface ServerParts {
  readonly mode: 'sandbox' | 'live';
  readonly port: number;
  readonly host: string;
  /** Null: `http://127.0.0.1:<port>`. */
  readonly publicUrl: string | null;
  readonly ownerUrl: string;
  readonly masterKey: string;
  readonly log: Logger;
  readonly okta: OktaConfig;
  readonly slack: SlackSettings;
  /** Options of the browser sign-in. `fetch` is for tests: it fetches clients' metadata documents. */
  readonly oauth?: { readonly dynamicRegistration?: boolean; readonly fetch?: typeof fetch };
  readonly now?: () => Date;
  /** How long an MCP call is held for an approval, in milliseconds. */
  readonly holdMs?: number;
  /** Exchanges per minute that one subject gets. Absent: no limit. */
  readonly exchangesPerMinute?: number;
  /** What expensive reads may take, if not the default. For tests. */
  readonly browsing?: Partial<Browsing>;
  /** How long an idle connection stays open, in milliseconds. Default: 75 seconds. */
  readonly keepAliveMs?: number;
}

/** A running server. */
export interface RunningServer {
  readonly url: string;
  readonly app: App;
  readonly kernel: TokenKernel;
  /** The Okta with which this process sets up new tenants. */
  readonly okta: OktaConfig;
  /** The one-time token for the first administrators, or null if there is a tenant. */
  readonly bootstrapToken: string | null;
  /**
   * Stops listening, waits at most ten seconds for running requests and eight for jobs, and closes all
   * connections.
   */
  close(): Promise<void>;
}

/** Longer than the idle time of most load balancers, which is 60 seconds. */
const DEFAULT_KEEP_ALIVE_MS = 75_000;

/**
 * Migrates the database, opens everything, mounts all interfaces and starts the jobs. Throws Fault
 * `conflict` if the database belongs to the other mode, `unavailable` if it cannot be reached, and the error
 * of a policy, tool or job that does not load.
 */
export async function startServer(parts: ServerParts): Promise<RunningServer> {
  const { log, mode } = parts;
  const jobs = await loadServerJobs();
  // Tools and policies take a second to load, in which the database does its part.
  const [{ catalogue, policies }] = await Promise.all([
    loadDefinitions(),
    migrateDatabase(parts.ownerUrl, mode, jobs.queues).then(() => checkSessions(parts.ownerUrl, SERVER_ROLE)),
  ]);
  const bootstrapToken = newSecret();
  const offered = await offerBootstrap(parts.ownerUrl, sha256(bootstrapToken));

  const handler: { fetch: (request: Request) => Promise<Response>; direct: OAuthSurface['direct'] } = {
    fetch: () => Promise.resolve(new Response('starting', { status: 503 })),
    direct: () => false,
  };
  const listener = getRequestListener((request) => handler.fetch(request), { overrideGlobalObjects: false });
  const http = createServer((incoming, outgoing) => {
    const direct = isStorableUrl(incoming.url ?? '') && handler.direct(incoming, outgoing);
    if (!direct) void listener(incoming, outgoing);
  });
  const keepAliveMs = parts.keepAliveMs ?? DEFAULT_KEEP_ALIVE_MS;
  http.keepAliveTimeout = keepAliveMs;
  // A request with incomplete headers must not be cut off before an idle connection would be.
  http.headersTimeout = keepAliveMs + 5000;
  http.listen(parts.port, parts.host);
  await once(http, 'listening');
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;

  const database = openDatabase(parts.ownerUrl, {
    role: SERVER_ROLE,
    max: 20,
    ...(parts.browsing === undefined ? {} : { browsing: parts.browsing }),
  });
  const queue = await openQueue(parts.ownerUrl, SERVER_ROLE, log);
  const now = parts.now ?? (() => new Date());
  const base = {
    baseUrl: parts.publicUrl ?? url,
    mode,
    log,
    now,
    database,
    queue,
    secrets: openSecrets(parts.masterKey),
    subscribers: jobs.subscribers,
  };
  const links = providerLinks(base, parts.okta);
  const login = parts.okta.login == null ? null : { issuer: parts.okta.issuer, ...parts.okta.login };
  const app: App = {
    ...base,
    catalogue,
    policies,
    loginIssuer: login?.issuer ?? null,
    operatorIssuers: [parts.okta.issuer, parts.okta.orgUrl],
    settled: await listenForSettled(database.sql),
    ledgerBatch: createLedgerBatch(base),
    apiKey: createApiKeyCheck(database.sql, mode),
    provider: (tenantId) => links.of(tenantId),
  };
  const kernel = createTokenKernel({
    baseUrl: app.baseUrl,
    sql: database.sql,
    now,
    secrets: app.secrets,
    log,
    loopbackKeys: mode === 'sandbox',
    operatorIssuers: app.operatorIssuers,
    ...(parts.exchangesPerMinute === undefined ? {} : { exchangesPerMinute: parts.exchangesPerMinute }),
    record: (tenantId, entry, once) => app.ledgerBatch.add(tenantId, entry, once),
    read: (tenantId, work) => readonly(app, tenantId, work),
    write: (tenantId, work) => transact(app, tenantId, work),
    readAgain: (tenantId, personId) => freshen(app, tenantId, [personId]),
  });

  const slack = await slackSurface(app, parts.slack);
  const mcp = mcpSurface(app, kernel, parts.holdMs === undefined ? {} : { holdMs: parts.holdMs });
  const browser = browserSide({
    app,
    kernel,
    login,
    ...parts.oauth,
  });
  const oauth = oauthSurface({ kernel, app, browser });
  const surfaces = [
    scimSurface(app),
    mcp,
    oauth,
    approvalPageSurface(app, kernel, login),
    slack,
    bootstrapSurface(app, {
      slackTeamId: parts.slack.teamId,
      okta: links.setUp,
      checks: () => runChecks({ ...parts, publicUrl: app.baseUrl }),
    }),
    restSurface(app, kernel),
    health(app, slack),
    homeSurface(app, mode === 'sandbox' ? simulatorsOf(parts) : null),
  ];
  handler.fetch = (request) => dispatch(surfaces, request, log);
  handler.direct = (incoming, outgoing) => oauth.direct(incoming, outgoing);
  await jobs.start(app, slack.delivery);
  await resumeSchedules(app);
  return {
    url,
    app,
    kernel,
    okta: parts.okta,
    bootstrapToken: offered ? bootstrapToken : null,
    close: async () => {
      // Held calls end first. What they wait for is stored and continues.
      await mcp.close();
      const closed = new Promise<void>((resolve) => http.close(() => resolve()));
      http.closeIdleConnections();
      await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, 10_000).unref())]);
      http.closeAllConnections();
      await kernel.close();
      await slack.close();
      await queue.stop();
      await app.settled.close();
      await links.close();
      await database.close();
    },
  };
}

/** The tools and the policies that this version ships. */
async function loadDefinitions() {
  const catalogue = await loadCatalogue(new URL('../../tools/', import.meta.url));
  return { catalogue, policies: await loadPolicies(new URL('../../policies/', import.meta.url), catalogue) };
}

/** What the home page links to in a sandbox. */
const simulatorsOf = ({ okta, slack }: ServerParts): Simulators => ({
  oktaUrl: okta.orgUrl,
  slackUrl: new URL(slack.apiUrl ?? okta.orgUrl).origin,
});

interface Surface {
  fetch(request: Request): Promise<Response | null>;
}

async function dispatch(surfaces: readonly Surface[], request: Request, log: Logger): Promise<Response> {
  try {
    // No address of ours contains such a character, and a look-up with one would end in a database error.
    if (!isStorableUrl(request.url))
      return Response.json(
        { title: 'The URL of the request is malformed.', status: 400, code: 'invalid_input' },
        { status: 400 },
      );
    for (const surface of surfaces) {
      const answer = await surface.fetch(request);
      if (answer !== null) return answer;
    }
    return Response.json(
      {
        title: 'Not found. GET /v1/openapi.json lists the API.',
        status: 404,
        code: 'not_found',
      },
      { status: 404 },
    );
  } catch (error) {
    log.error({ err: error }, 'a surface let an error through');
    return Response.json(
      { title: 'An internal error occurred.', status: 500, code: 'internal' },
      { status: 500 },
    );
  }
}

/** Adds schedules that an earlier version did not have, for every tenant. */
async function resumeSchedules(app: App): Promise<void> {
  const tenants = await app.database.db.execute<{ id: string }>(sql`select id from every_tenant() as id`);
  for (const { id } of tenants) await startSchedules(app, id);
}
