import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { groupResource, mergedUser, userResource } from './scim-resources.ts';
import { appPushTarget, scimEvent } from './scim-events.ts';
import type { ScimClient, ScimExchange, Simulation } from './simulation.ts';
import { groupTarget, userTarget, writeLog } from './system-log.ts';
import type { GroupRecord, UserRecord } from './types.ts';

const PATCH_SCHEMA = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const TIMEOUT_MS = 60_000;

/**
 * Plays Okta's SCIM client, with its headers, its order of calls and its two styles: `oin` deactivates by
 * PATCH without a path, `aiw` uses GET and PUT for everything
 * (developer.okta.com/docs/api/openapi/okta-scim/guides/scim-20). It never deletes a user, and a suspension
 * sends nothing. It does not retry: failures are in `exchanges`, and to play Okta's retry the caller calls
 * again.
 */
export class OktaScimClient implements ScimClient {
  readonly #sim: () => Simulation;
  readonly exchanges: ScimExchange[] = [];
  #background: Promise<unknown> = Promise.resolve();

  constructor(sim: () => Simulation) {
    this.#sim = sim;
  }

  /** Assigns the person: looks the user name up, then creates the account or takes over the existing one. */
  async provision(uid: string): Promise<ScimExchange[]> {
    return await this.#recorded(async (send) => {
      const user = this.#user(uid);
      const filter = new URLSearchParams({
        filter: `userName eq "${String(user.profile['login'])}"`,
        startIndex: '1',
        count: '100',
      });
      const found = await send('GET', `/Users?${filter.toString().replaceAll('+', '%20')}`);
      const existing = firstResource(found.body);
      const answer =
        existing === undefined
          ? await send('POST', '/Users', userResource(user, 'create'))
          : await send('PUT', `/Users/${String(existing['id'])}`, mergedUser(existing, user, true));
      const id = isRecord(answer.body) ? answer.body['id'] : undefined;
      if (answer.status >= 300 || typeof id !== 'string') return;
      user.scim = { id, active: true };
      writeLog(this.#sim(), scimEvent(), 'application.provision.user.push', [
        userTarget(user),
        appPushTarget(),
      ]);
    });
  }

  /**
   * Pushes the profile: reads the account, then puts all of it back. Sends nothing for a person who was never
   * provisioned.
   */
  async update(uid: string): Promise<ScimExchange[]> {
    return await this.#recorded(async (send) => {
      const user = this.#user(uid);
      if (user.scim === null) return;
      const { body, status } = await send('GET', `/Users/${user.scim.id}`);
      if (status !== 200 || !isRecord(body)) return;
      await send('PUT', `/Users/${user.scim.id}`, mergedUser(body, user, user.scim.active));
      writeLog(this.#sim(), scimEvent(), 'application.provision.user.push_profile', [
        userTarget(user),
        appPushTarget(),
      ]);
    });
  }

  /** Removes the app from the person, or follows a deactivation at Okta. */
  async deactivate(uid: string): Promise<ScimExchange[]> {
    return await this.#recorded(async (send) => {
      const user = this.#user(uid);
      if (user.scim === null) return;
      const { status } = await this.#setActive(send, user, user.scim.id, false);
      if (status >= 300) return;
      user.scim.active = false;
      writeLog(this.#sim(), scimEvent(), 'application.provision.user.deactivate', [
        userTarget(user),
        appPushTarget(),
      ]);
    });
  }

  /** Does what Okta does on a suspension: sends nothing. Always resolves to an empty list. */
  async suspend(uid: string): Promise<ScimExchange[]> {
    return await this.#recorded(async () => void this.#user(uid));
  }

  /**
   * Pushes a group: creates it if it does not exist, sends its name, then those of its members who are
   * provisioned.
   */
  async pushGroup(groupId: string): Promise<ScimExchange[]> {
    return await this.#recorded(async (send) => {
      const { org } = this.#sim();
      const group = org.groups.get(groupId);
      if (group === undefined) throw new Error(`there is no group ${groupId} in the sandbox org`);
      const id = org.scimGroups.get(groupId) ?? (await this.#createGroup(send, group));
      if (id === undefined) return;
      org.scimGroups.set(groupId, id);
      const members = [...group.members]
        .map((uid) => org.users.get(uid))
        .filter((user) => user?.scim?.active === true);
      await send('PATCH', `/Groups/${id}`, {
        schemas: [PATCH_SCHEMA],
        Operations: [{ op: 'replace', value: { id, displayName: group.profile['name'] } }],
      });
      await send('PATCH', `/Groups/${id}`, {
        schemas: [PATCH_SCHEMA],
        Operations: [
          {
            op: 'replace',
            path: 'members',
            value: members.map((user) => ({ value: user!.scim!.id, display: user!.profile['login'] })),
          },
        ],
      });
      writeLog(this.#sim(), scimEvent(), 'application.provision.group_push.pushed', [
        groupTarget(group),
        appPushTarget(),
      ]);
    });
  }

  /** Follows a profile change in the background, like Okta's jobs. */
  updateLater(user: UserRecord): void {
    if (this.#sim().org.scimTarget !== null && user.scim?.active === true)
      this.#later(() => this.update(user.id));
  }

  /** Follows a deactivation in the background. */
  deactivateLater(user: UserRecord): void {
    if (this.#sim().org.scimTarget !== null && user.scim?.active === true)
      this.#later(() => this.deactivate(user.id));
  }

  /** Resolves when everything that was started in the background has been sent. */
  async idle(): Promise<void> {
    await this.#background;
  }

  #later(work: () => Promise<unknown>): void {
    // A failure must not stop later work. `exchanges` shows it (status 0).
    this.#background = this.#background.then(work).catch(() => undefined);
  }

  async #setActive(send: Send, user: UserRecord, id: string, active: boolean): Promise<ScimExchange> {
    if (this.#sim().org.scimTarget?.style === 'oin') {
      return await send('PATCH', `/Users/${id}`, {
        schemas: [PATCH_SCHEMA],
        Operations: [{ op: 'replace', value: { active } }],
      });
    }
    const found = await send('GET', `/Users/${id}`);
    return found.status === 200 && isRecord(found.body)
      ? await send('PUT', `/Users/${id}`, mergedUser(found.body, user, active))
      : found;
  }

  async #createGroup(send: Send, group: GroupRecord): Promise<string | undefined> {
    const filter = new URLSearchParams({
      filter: `displayName eq "${String(group.profile['name'])}"`,
      startIndex: '1',
      count: '100',
    });
    const existing = firstResource(
      (await send('GET', `/Groups?${filter.toString().replaceAll('+', '%20')}`)).body,
    );
    const body = existing ?? (await send('POST', '/Groups', groupResource(group))).body;
    return isRecord(body) && typeof body['id'] === 'string' ? body['id'] : undefined;
  }

  async #recorded(work: (send: Send) => Promise<void>): Promise<ScimExchange[]> {
    const made: ScimExchange[] = [];
    await work(async (method, path, body) => {
      const exchange = await this.#send(method, path, body);
      made.push(exchange);
      this.exchanges.push(exchange);
      return exchange;
    });
    this.#sim().changed();
    return made;
  }

  async #send(method: string, path: string, body?: Record<string, unknown>): Promise<ScimExchange> {
    const target = this.#sim().org.scimTarget;
    if (target === null) throw new Error('the SCIM app is not set up: call PUT /_sandbox/scim-app first');
    const text = body === undefined ? undefined : JSON.stringify(body);
    const headers = {
      'User-Agent': 'Okta SCIM Client 1.0.0',
      Accept: 'application/scim+json',
      'Accept-Charset': 'utf-8',
      Authorization: target.authorization,
      ...(text === undefined
        ? {}
        : {
            'Content-Type': 'application/scim+json; charset=utf-8',
            'Content-Length': String(Buffer.byteLength(text)),
          }),
    };
    const answer = await transmit(new URL(target.baseUrl.replace(/\/$/, '') + path), method, headers, text);
    const shown =
      body === undefined
        ? null
        : Object.fromEntries(Object.entries(body).filter(([key]) => key !== 'password'));
    return { request: { method, path, body: shown }, ...answer };
  }

  #user(uid: string): UserRecord {
    const user = this.#sim().org.users.get(uid);
    if (user === undefined) throw new Error(`there is no person ${uid} in the sandbox org`);
    return user;
  }
}

type Send = (method: string, path: string, body?: Record<string, unknown>) => Promise<ScimExchange>;
const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function firstResource(list: unknown): Record<string, unknown> | undefined {
  const resources = isRecord(list) ? list['Resources'] : undefined;
  const first: unknown = Array.isArray(resources) ? resources[0] : undefined;
  return isRecord(first) ? first : undefined;
}

/**
 * Sends one request with Node's own client, since fetch adds headers that Okta does not send. Status 0 means
 * that the connection failed.
 */
async function transmit(
  url: URL,
  method: string,
  headers: Record<string, string>,
  text: string | undefined,
): Promise<{ status: number; body: unknown }> {
  return await new Promise((resolve) => {
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const outgoing = send(url, { method, headers, timeout: TIMEOUT_MS }, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('end', () =>
        resolve({ status: incoming.statusCode ?? 0, body: parsed(Buffer.concat(chunks).toString('utf8')) }),
      );
      incoming.on('error', (error) => resolve({ status: 0, body: error.message }));
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error('socket time-out')));
    outgoing.on('error', (error) => resolve({ status: 0, body: error.message }));
    outgoing.end(text);
  });
}

function parsed(text: string): unknown {
  try {
    return text === '' ? null : JSON.parse(text);
  } catch {
    return text;
  }
}
