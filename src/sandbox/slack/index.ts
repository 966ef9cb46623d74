import { serve, type ServerType } from '@hono/node-server';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Hono } from 'hono';
import { SAMPLE_COMPANY } from '../company.ts';
import { controlApi } from './control.ts';
import type { SentRequest } from './delivery.ts';
import { eventSender } from './events.ts';
import { page } from './page/page.ts';
import { personIn } from './person.ts';
import { EVIL_TEAM } from './seed.ts';
import { responseUrls } from './response-url.ts';
import { appLine, remember, type Simulation } from './simulation.ts';
import type { SlackSimulator, SlackSimulatorOptions } from './simulator.ts';
import { freshState, keepSnapshot, readSnapshot } from './snapshot.ts';
import type { SimChannel, SimUser } from './types.ts';
import { webApi, type ApiCall } from './web/api.ts';
import { createFaults } from './web/faults.ts';
import { wireUser } from './web/users.ts';
import { World } from './world.ts';

export type { SendOptions } from './delivery.ts';
export type { SlackSimulator, SlackSimulatorOptions } from './simulator.ts';
export type * from './types.ts';
export { checkMessageBlocks, checkView } from './blocks/check.ts';
export { slackDriver } from './driver.ts';
export { CHANNELS } from './seed.ts';
export { signSlackRequest } from './sign.ts';

/** The bot scopes of the app's manifest, required and optional. */
const SCOPES = [
  'commands',
  'chat:write',
  'im:write',
  'users:read',
  'users:read.email',
  'team:read',
  'usergroups:read',
  'channels:read',
  'groups:read',
  'app_mentions:read',
  'im:history',
  'assistant:write',
];

/**
 * Starts a Slack workspace on loopback: Web API under `/api/`, response URLs, people (`as`), a page at `/` on
 * which a developer can be any of them, and the controls under `/_sandbox`. It holds the app to Slack's
 * limits where Slack's live validator does, and never leaves the machine, except to call the app.
 */
export async function startSlackSimulator(options: SlackSimulatorOptions = {}): Promise<SlackSimulator> {
  const now = options.now ?? Date.now;
  const state = readSnapshot(options.stateFile) ?? freshState(options);
  const world = new World(state, now);
  const snapshot = keepSnapshot(world, options.stateFile);
  const faults = createFaults();
  const calls: ApiCall[] = [];
  const sent: SentRequest[] = [];
  let appUrl = options.appUrl ?? null;
  let url = '';

  const eventsUrl = (): string => {
    if (appUrl === null) throw new Error('no app is connected to the simulator yet: call connect(url) first');
    return typeof appUrl === 'function' ? appUrl() : appUrl;
  };
  const workspace = {
    world,
    teamId: SAMPLE_COMPANY.slackTeamId,
    appId: SAMPLE_COMPANY.slackAppId,
    url: () => url,
    scopes: new Set(options.scopes ?? SCOPES),
  };
  const send = appLine(eventsUrl, state.signingSecret, now, sent);
  const sim: Simulation = {
    workspace,
    verificationToken: 'sandbox',
    settleMs: options.settleMs ?? 1000,
    offered: new Map(),
    sent,
    send,
  };
  const events = eventSender(sim);

  const userOf = (name: string): SimUser => {
    const user = world.user(name);
    if (user === undefined) throw new Error(`there is no person ${name} in the workspace`);
    return user;
  };
  const channelOf = (name: string): SimChannel => {
    const channel = world.channel(name);
    if (channel === undefined) throw new Error(`there is no channel ${name}`);
    return channel;
  };

  const simulator: SlackSimulator = {
    get url() {
      return url;
    },
    get apiUrl() {
      return `${url}/api/`;
    },
    signingSecret: state.signingSecret,
    botToken: state.botToken,
    teamId: workspace.teamId,
    appId: workspace.appId,
    calls,
    sent,
    faults,
    connect(target) {
      appUrl = target;
    },
    as: (name) => personIn(sim, userOf(name)),
    messages(channel) {
      const id = channel === undefined ? null : channelOf(channel).id;
      return structuredClone(
        state.messages.filter((one) => !one.deleted && (id === null || one.channel === id)),
      );
    },
    view: (id) => structuredClone(state.views[id] ?? null),
    send,
    emit: (event) => events.emit(event),
    async setUser(name, patch) {
      const user = userOf(name);
      Object.assign(user, patch, { updated: Math.floor(now() / 1000) });
      world.changed();
      if (appUrl !== null)
        await events.emit({
          type: 'user_change',
          user: wireUser(user, workspace.scopes),
          cache_ts: user.updated,
        });
      return structuredClone(user);
    },
    setEmail: (name, email) => simulator.setUser(name, { email }),
    invite(channel, name) {
      const { members } = channelOf(channel);
      const { id } = userOf(name);
      if (!members.includes(id)) members.push(id);
      world.changed();
    },
    async share(name) {
      const channel = channelOf(name);
      channel.isExtShared = true;
      world.changed();
      if (appUrl !== null)
        await events.emit({ type: 'channel_shared', connected_team_id: EVIL_TEAM, channel: channel.id });
    },
    async close() {
      events.stop();
      snapshot.stop();
      await stopServer(server);
    },
  };

  const app = new Hono();
  app.route(
    '/api',
    webApi({ workspace, botToken: state.botToken, faults, onCall: (call) => remember(calls, call) }),
  );
  app.route('/_response', responseUrls(world, faults));
  app.route('/_sandbox', controlApi(simulator));
  app.route('/', page(simulator, world));

  const server = serve({ fetch: app.fetch, port: options.port ?? 0, hostname: '127.0.0.1' });
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  snapshot.flush();
  return simulator;
}

async function stopServer(server: ServerType): Promise<void> {
  if ('closeAllConnections' in server) server.closeAllConnections();
  await new Promise<void>((resolve) => server.close(() => resolve()));
}
