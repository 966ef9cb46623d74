import { LRUCache } from 'lru-cache';
import { WebClient, type WebClientOptions } from '@slack/web-api';
import { Fault } from '#lib/fault.ts';
import type { BoltLogger } from './logger.ts';

type SlackFetch = NonNullable<WebClientOptions['fetch']>;

/** Where a response_url may lead besides the Web API's own origin. */
const HOOKS = ['https://hooks.slack.com', 'https://hooks.slack-gov.com'];

const REAL_API = 'https://slack.com/api/';

/** The number of methods and channels whose waiting time is remembered. */
const MAX_REFUSED = 10_000;

/**
 * The only way out of this surface: to the Web API and to response URLs, nowhere else, and never along a
 * redirect. `apiUrl` is given where a simulator stands in for Slack; then its origin is the only one.
 */
export function guardedFetch(apiUrl?: string): SlackFetch {
  const origins = apiUrl === undefined ? [new URL(REAL_API).origin, ...HOOKS] : [new URL(apiUrl).origin];
  return (url, init) => {
    const { origin, username } = new URL(url);
    if (!origins.includes(origin) || username !== '') {
      return Promise.reject(
        new Fault('forbidden', 'This is not an address of Slack.', { detail: { origin } }),
      );
    }
    return fetch(url, { ...init, redirect: 'error', signal: init?.signal ?? AbortSignal.timeout(10_000) });
  };
}

interface Profile {
  readonly apiUrl?: string | undefined;
  readonly logger: BoltLogger;
}

/**
 * Options for a client that a waiting person's request uses: it gives up in time for the three seconds that
 * Slack allows, and never waits out a rate limit. No `headers`: the client writes its token into that object,
 * and Bolt shares it between teams.
 */
export function interactiveOptions({ apiUrl, logger }: Profile): WebClientOptions {
  return {
    ...(apiUrl === undefined ? {} : { slackApiUrl: apiUrl }),
    fetch: guardedFetch(apiUrl),
    timeout: 2500,
    retryConfig: { retries: 0 },
    rejectRateLimitedCalls: true,
    allowAbsoluteUrls: false,
    logger,
  };
}

/**
 * A client for jobs: slower, and being asked to wait is thrown, so that the queue puts the job back for so
 * long.
 */
export function jobClient(token: string, profile: Profile): WebClient {
  const options = interactiveOptions(profile);
  return new WebClient(token, { ...options, fetch: patient(guardedFetch(profile.apiUrl)), timeout: 10_000 });
}

/**
 * Slack counts requests by method, and messages by channel too. What it has refused for too many is refused
 * here until the time that it named (`Retry-After`) is over, so that other jobs do not ask within it. Each
 * process learns it from an answer of its own.
 */
function patient(ask: SlackFetch): SlackFetch {
  const refused = new LRUCache<string, true>({ max: MAX_REFUSED });
  return async (url, init) => {
    const body = init?.body;
    const channel = typeof body === 'string' ? new URLSearchParams(body).get('channel') : null;
    const key = `${new URL(url).pathname} ${channel ?? ''}`;
    const waitMs = refused.getRemainingTTL(key);
    if (waitMs > 0) return tooMany(Math.ceil(waitMs / 1000));
    const answer = await ask(url, init);
    if (answer.status === 429) {
      const seconds = Number.parseInt(answer.headers.get('retry-after') ?? '', 10);
      if (seconds > 0) refused.set(key, true, { ttl: seconds * 1000 });
    }
    return answer;
  };
}

const tooMany = (seconds: number): Response =>
  new Response(null, { status: 429, headers: { 'retry-after': String(seconds) } });
