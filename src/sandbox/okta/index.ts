import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer, type ServerType } from '@hono/node-server';
import type { Server } from 'node:http';
import type { JWK } from 'jose';
import { mintToken, type TokenRequest } from './authorization-server.ts';
import { oktaApp } from './app.ts';
import { FaultInjector, type ActiveFault, type FaultRule } from './faults.ts';
import { RateLimiter, type RateLimitClass } from './rate-limits.ts';
import { RequestRecorder, type RecordedRequest } from './recorder.ts';
import { rotateKeys } from './rotation.ts';
import { OktaScimClient } from './scim-client.ts';
import { seedOrg } from './seed.ts';
import type { Simulation } from './simulation.ts';
import { loadOrg, SnapshotWriter } from './snapshot.ts';
import type { OktaOrg, ScimTarget } from './types.ts';

export type { FaultRule, OktaOrg, RecordedRequest, ScimTarget, TokenRequest };
export { SANDBOX_AUDIENCE } from './authorization-server.ts';
export {
  EVERYONE_GROUP_ID,
  SANDBOX_API_TOKEN,
  SANDBOX_SERVICE_CLIENT_ID,
  SANDBOX_WEB_CLIENT_ID,
  SANDBOX_WEB_CLIENT_SECRET,
} from './seed.ts';

/** How to start a simulator. */
export interface OktaSimulatorOptions {
  /** 0 or absent: any free port. With a state file use a fixed port, since issuers contain the URL. */
  readonly port?: number;
  readonly host?: '127.0.0.1';
  /**
   * A JSON snapshot, read at the start and written shortly after each change and on close. It contains
   * private keys (mode 0600).
   */
  readonly stateFile?: string;
  /** The time in epoch ms. The default is the system clock. */
  readonly now?: () => number;
  /** Requests per minute, in place of those in `RATE_LIMITS`. */
  readonly rateLimits?: Partial<Record<RateLimitClass, number>>;
}

/** A running simulator of one Okta org. */
export interface OktaSimulator {
  /**
   * The base URL without a trailing slash. The issuer of its custom authorization server is
   * `${url}/oauth2/default`.
   */
  readonly url: string;
  readonly controlToken?: undefined;
  /** The requests that arrived, oldest first (at most 5,000), without those to the control API. */
  readonly requests: readonly RecordedRequest[];
  readonly org: OktaOrg;
  /** The API Services app to connect with. Reading it throws after somebody registered keys of their own. */
  readonly serviceApp: {
    readonly clientId: string;
    readonly privateKeyJwk: JWK;
    readonly scopes: readonly string[];
  };
  /** Plays Okta's SCIM client. Call `configure` first. */
  readonly scim: OktaScimClient & { configure(target: ScimTarget): void };
  tokenFor(login: string, options?: Omit<TokenRequest, 'login'>): Promise<string>;
  fault(rule: FaultRule): ActiveFault;
  clearFaults(): void;
  rotateKeys(): Promise<string>;
  /**
   * Overrides claims in the browser's ID tokens, like an org that ignores `acr_values`. Null leaves a claim
   * out.
   */
  idTokenClaims(claims: Readonly<Record<string, unknown>>): void;
  /** Ends open connections and hanging requests, and writes the state file. */
  close(): Promise<void>;
}

/**
 * Starts the simulator on loopback, with the state file's org or else the sample company. Throws if the state
 * file cannot be read.
 */
export async function startOktaSimulator(options: OktaSimulatorOptions = {}): Promise<OktaSimulator> {
  const now = options.now ?? Date.now;
  const loaded = options.stateFile === undefined ? null : await loadOrg(options.stateFile);
  const org = loaded ?? (await seedOrg(now()));
  const snapshot = new SnapshotWriter(options.stateFile, org);
  let url = '';
  const scim = new OktaScimClient(() => sim);
  const sim: Simulation = {
    org,
    now,
    url: () => url,
    limits: new RateLimiter(now, options.rateLimits),
    faults: new FaultInjector(),
    recorder: new RequestRecorder(),
    scim,
    idTokenClaims: {},
    changed: () => snapshot.schedule(),
  };
  const server = createAdaptorServer({ fetch: oktaApp(sim).fetch });
  const host = options.host ?? '127.0.0.1';
  server.listen(options.port ?? 0, host);
  await once(server, 'listening');
  url = `http://${host}:${(server.address() as AddressInfo).port}`;
  if (loaded === null) await snapshot.flush();
  return {
    url,
    requests: sim.recorder.entries,
    org,
    get serviceApp() {
      const { clientId, privateKeyJwk, scopes } = org.serviceApp;
      if (privateKeyJwk === null)
        throw new Error('the service app uses your own keys, so the simulator does not have the private key');
      return { clientId, privateKeyJwk, scopes };
    },
    scim: Object.assign(scim, { configure: (target: ScimTarget) => void (org.scimTarget = target) }),
    tokenFor: (login, more = {}) => mintToken(sim, { ...more, login }),
    fault: (rule) => sim.faults.add(rule),
    clearFaults: () => sim.faults.clear(),
    rotateKeys: () => rotateKeys(sim),
    idTokenClaims: (claims) => void (sim.idTokenClaims = claims),
    close: async () => {
      await closeServer(server, sim);
      await scim.idle();
      await snapshot.flush();
    },
  };
}

async function closeServer(server: ServerType, sim: Simulation): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  sim.faults.close();
  (server as Server).closeAllConnections();
  await closed;
}
