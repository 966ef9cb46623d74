/**
 * Requests per minute by endpoint class, from the last table that Okta published for Workforce Identity. Okta
 * now shows the limits only in its admin dashboard.
 */
export const RATE_LIMITS = {
  'apps.one': 500,
  apps: 100,
  'groups.one': 1000,
  groups: 500,
  'users.read_one': 2000,
  'users.write_one': 600,
  users: 600,
  logs: 120,
  oauth2: 1200,
  other: 1200,
} as const;

/** The name of an endpoint class. */
export type RateLimitClass = keyof typeof RATE_LIMITS;

// The first match wins, as Okta uses the most specific bucket for a method and path.
const CLASSES = [
  [/^\/api\/v1\/apps\/[^/]+$/, /./, 'apps.one'],
  [/^\/api\/v1\/apps(\/|$)/, /./, 'apps'],
  [/^\/api\/v1\/groups\/[^/]+$/, /./, 'groups.one'],
  [/^\/api\/v1\/groups(\/|$)/, /./, 'groups'],
  [/^\/api\/v1\/users\/[^/]+$/, /^GET$/, 'users.read_one'],
  [/^\/api\/v1\/users\/[^/]+$/, /./, 'users.write_one'],
  [/^\/api\/v1\/users$/, /./, 'users'],
  [/^\/api\/v1\/logs$/, /./, 'logs'],
  [/^\/oauth2\//, /./, 'oauth2'],
] as const satisfies readonly (readonly [RegExp, RegExp, RateLimitClass])[];

/** The class that a request counts against. */
export const rateLimitClass = (method: string, path: string): RateLimitClass =>
  CLASSES.find(([paths, methods]) => paths.test(path) && methods.test(method))?.[2] ?? 'other';

/** What Okta says in `X-Rate-Limit-*`; `reset` is in epoch seconds. Not `admitted` means 429. */
export interface RateLimitState {
  readonly admitted: boolean;
  readonly limit: number;
  readonly remaining: number;
  readonly reset: number;
}

/**
 * Counts requests in one bucket per class and minute, for the whole org. Does not simulate the 50 % share of
 * each client.
 */
export class RateLimiter {
  readonly #now: () => number;
  readonly #limits: Record<RateLimitClass, number>;
  readonly #buckets = new Map<RateLimitClass, { minute: number; used: number }>();

  constructor(now: () => number, limits: Partial<Record<RateLimitClass, number>> = {}) {
    this.#now = now;
    this.#limits = { ...RATE_LIMITS, ...limits };
  }

  /** Replaces limits from now on and empties the buckets. */
  configure(limits: Partial<Record<RateLimitClass, number>>): Record<RateLimitClass, number> {
    Object.assign(this.#limits, limits);
    this.#buckets.clear();
    return { ...this.#limits };
  }

  /** Counts one request. A refused request is not counted. */
  take(method: string, path: string): RateLimitState {
    const name = rateLimitClass(method, path);
    const limit = this.#limits[name];
    const minute = Math.floor(this.#now() / 60_000);
    const held = this.#buckets.get(name);
    const bucket = held?.minute === minute ? held : { minute, used: 0 };
    this.#buckets.set(name, bucket);
    const admitted = bucket.used < limit;
    if (admitted) bucket.used += 1;
    return { admitted, limit, remaining: limit - bucket.used, reset: (minute + 1) * 60 };
  }
}
