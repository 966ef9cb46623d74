import { say } from '#lib/sanitise.ts';
import { App as BoltApp, AuthorizationError, type CodedError } from '@slack/bolt';
import { WebClient } from '@slack/web-api';
import type { App } from '#engine/app.ts';
import { Fault } from '#lib/fault.ts';
import { newId } from '#lib/id.ts';
import { checkSlack } from './check.ts';
import { commandRegistry } from './commands/registry.ts';
import type { Slack } from './context.ts';
import { guardedFetch, interactiveOptions, jobClient } from './transport/egress.ts';
import { boltLogger, withoutSecrets } from './transport/logger.ts';
import { createReceiver } from './transport/receiver.ts';
import { slackIdentities } from './identity.ts';
import type { SlackDelivery } from './job.ts';
import { listen } from './listeners.ts';
import { notice } from './messages/blocks.ts';
import { projectEvents, waitingProjection } from './project.ts';
import { openIntake } from './intake.ts';
import { tenantOfTeam } from './store.ts';
import { textIn, type Wire } from './wire.ts';

/** One app in one workspace, with a static bot token. */
export interface SlackSettings {
  /** The workspace's tenant is looked up by `teamId`, so there is none to set. */
  readonly tenantId?: undefined;
  readonly teamId: string;
  readonly appId: string;
  readonly botToken: string;
  /** Two while the secret is being rotated. */
  readonly signingSecrets: readonly string[];
  /** Web API root of a simulator; Slack's own where it is left out. */
  readonly apiUrl?: string;
}

export interface SlackSurface {
  readonly name: 'slack';
  /** Answers `POST /slack/events`; null for every other path. */
  fetch(request: Request): Promise<Response | null>;
  /** What the jobs in `jobs/` work with. */
  readonly delivery: SlackDelivery;
  /**
   * Asks Slack whether token, workspace, app and scopes belong together (`checkSlack`). Throws Fault
   * `unavailable` with `detail.reason`.
   */
  ready(): Promise<void>;
  /** Waits for the work that goes on after acknowledgements. */
  close(): Promise<void>;
}

/**
 * Slack as a surface: commands, clicks, forms and menus in, messages out. Does not call Slack until something
 * asks it to.
 */
export function slackSurface(app: App, settings: SlackSettings): Promise<SlackSurface> {
  const logger = boltLogger(app.log);
  const profile = { apiUrl: settings.apiUrl, logger };
  let known: string | null = null;
  const tenant = async (): Promise<string> => {
    known ??= await tenantOfTeam(app.database.db, settings.teamId);
    if (known === null)
      throw new Fault(
        'unavailable',
        'This Slack workspace is not connected to an organisation here yet. An administrator can connect it.',
      );
    return known;
  };
  const intake = openIntake(app);
  const receiver = createReceiver({
    ...settings,
    log: app.log,
    now: app.now,
    take: async (keys, body) => intake.take(await tenant(), keys, body),
    run: async (id, work) => intake.run(await tenant(), id, work),
  });
  const clientOptions = interactiveOptions(profile);
  const boltApp = new BoltApp({
    receiver,
    authorize: async ({ teamId }) => {
      if (teamId !== settings.teamId) throw new Error('another workspace');
      return Promise.resolve({ botToken: settings.botToken, teamId });
    },
    convoStore: false,
    extendedErrorHandler: true,
    logger,
    clientOptions,
  });
  const slack: Slack = {
    app,
    teamId: settings.teamId,
    registry: commandRegistry(app.catalogue),
    client: new WebClient(settings.botToken, clientOptions),
    identities: slackIdentities(app, new WebClient(settings.botToken, clientOptions), settings.teamId),
    tenant,
  };
  listen(boltApp, slack);
  boltApp.error(async ({ error, body }: { error: CodedError; body: object }) => {
    if (error instanceof AuthorizationError) throw error;
    const errorId = newId('err');
    app.log.error(
      { error_id: errorId, code: error.code, reason: withoutSecrets(error.message).slice(0, 500) },
      'slack: a listener failed',
    );
    await tellOf(errorId, { ...body }).catch(() => {});
  });

  /**
   * The person saw Slack take the request: without this they would wait for nothing. What of it was done is
   * not known here.
   */
  async function tellOf(errorId: string, body: Wire): Promise<void> {
    const url = textIn(body, 'response_url');
    if (url === '') return;
    const { text, blocks } = notice(
      say`Something went wrong on our side, and we cannot tell whether this was done. Look with /approval list or at your messages here before you ask again, and give an administrator this: error ${errorId}`,
    );
    await guardedFetch(settings.apiUrl)(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ text, blocks, response_type: 'ephemeral', replace_original: false }),
    });
  }

  const projector = { app, client: jobClient(settings.botToken, profile), teamId: settings.teamId };
  return Promise.resolve({
    name: 'slack',
    fetch: async (request) => {
      if (new URL(request.url).pathname !== '/slack/events') return null;
      if (request.method !== 'POST') return new Response(null, { status: 405, headers: { allow: 'POST' } });
      return receiver.handle(request);
    },
    delivery: {
      project: (tenantId, things) => projectEvents(projector, tenantId, things),
      projectWaiting: waitingProjection(projector),
      resumeIntake: (tenantId, id) => intake.resume(tenantId, id, (body) => receiver.resume(body, id)),
    },
    ready: () => ready(settings),
    close: () => receiver.drain(),
  });
}

async function ready(settings: SlackSettings): Promise<void> {
  const failed = (await checkSlack(settings)).find(({ status }) => status === 'failed');
  if (failed !== undefined)
    throw new Fault('unavailable', `${failed.asked}. ${failed.found} ${failed.remedy}`, {
      detail: { reason: failed.code },
    });
}
