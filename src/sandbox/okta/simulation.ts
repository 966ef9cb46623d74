import type { HttpBindings } from '@hono/node-server';
import type { FaultInjector } from './faults.ts';
import type { RateLimiter } from './rate-limits.ts';
import type { RequestRecorder } from './recorder.ts';
import type { OktaOrg, UserRecord } from './types.ts';

/**
 * The sender of a request, as the org's log names it. With `scopes` null, an API token may do what its owner
 * may.
 */
export interface Caller {
  readonly kind: 'api_token' | 'service_app' | 'system';
  readonly actor: {
    readonly id: string;
    readonly type: string;
    readonly alternateId: string;
    readonly displayName: string;
  };
  readonly scopes: readonly string[] | null;
  readonly adminRoles: readonly string[];
  /** The id of the API token, for `transaction.detail.requestApiTokenId`. */
  readonly tokenId: string | null;
}

/** A request of Okta's SCIM client and its answer, without the Authorization header and passwords. */
export interface ScimExchange {
  readonly request: { readonly method: string; readonly path: string; readonly body: unknown };
  readonly status: number;
  readonly body: unknown;
}

/** What the routes need of Okta's SCIM client (`scim-client.ts`). */
export interface ScimClient {
  readonly exchanges: readonly ScimExchange[];
  provision(uid: string): Promise<ScimExchange[]>;
  update(uid: string): Promise<ScimExchange[]>;
  deactivate(uid: string): Promise<ScimExchange[]>;
  suspend(uid: string): Promise<ScimExchange[]>;
  pushGroup(groupId: string): Promise<ScimExchange[]>;
  updateLater(user: UserRecord): void;
  deactivateLater(user: UserRecord): void;
  /** Resolves when everything that was started in the background has ended. */
  idle(): Promise<void>;
}

/** What every route needs: the org's state and the machinery around it. One per running simulator. */
export interface Simulation {
  readonly org: OktaOrg;
  readonly now: () => number;
  /** The base URL without a trailing slash. Set once the server listens. */
  readonly url: () => string;
  readonly limits: RateLimiter;
  readonly faults: FaultInjector;
  readonly recorder: RequestRecorder;
  readonly scim: ScimClient;
  /** Claims that replace those of the browser's ID tokens. Null leaves a claim out. */
  idTokenClaims: Readonly<Record<string, unknown>>;
  /** Tells the snapshot that something changed. */
  changed(): void;
}

/** Hono's types for the management API. */
export interface OktaEnv {
  Bindings: HttpBindings;
  Variables: { caller: Caller; requestId: string };
}

/** The simulator itself as an actor, for what the control API does. */
export const SYSTEM: Caller = {
  kind: 'system',
  actor: {
    id: 'system',
    type: 'SystemPrincipal',
    alternateId: 'system@okta.com',
    displayName: 'Okta System',
  },
  scopes: null,
  adminRoles: ['SUPER_ADMIN'],
  tokenId: null,
};

/** The current time as Okta writes times: ISO 8601, UTC, milliseconds. */
export const isoNow = (sim: Simulation): string => new Date(sim.now()).toISOString();
