import { LRUCache } from 'lru-cache';
import { readLimited } from '#lib/body.ts';
import { MAX_DOCUMENT_BYTES } from './client-metadata.ts';

/** How much strangers can make us fetch, per tenant. A client_id is a URL that anybody may send. */
export const BUDGET = {
  /** How long an answer or a failure is reused for the same URL, in ms. */
  keptMs: 60_000,
  /** New URLs of one host per minute. */
  perHost: 10,
  /** New URLs of all hosts per minute. */
  perMinute: 120,
  /** Fetches at the same time. */
  atOnce: 8,
} as const;

const MAX_KEPT = { max: 1000, maxSize: 8 * 1024 * 1024 };

/** The result of one fetch. Failures are kept too. */
type Outcome =
  | { readonly status: number; readonly headers: [string, string][]; readonly body: Buffer }
  | { readonly error: Error };

/**
 * Fetches for strangers within a budget (draft-ietf-oauth-client-id-metadata-document, "Denial of Service").
 * A URL is fetched at most once a minute, whatever the result, and concurrent requests share it. Beyond the
 * budget it throws at once. Counts and results are per process.
 */
export function fetchBudget(inner: typeof fetch, now: () => number): (tenantId: string) => typeof fetch {
  const kept = new LRUCache<string, Outcome>({
    ...MAX_KEPT,
    ttl: BUDGET.keptMs,
    ttlResolution: 0,
    perf: { now },
  });
  const pending = new Map<string, Promise<Outcome>>();
  const running = new Map<string, number>();
  let minute = { since: now(), counts: new Map<string, number>() };

  function spend(tenantId: string, host: string): void {
    if (now() - minute.since >= 60_000) minute = { since: now(), counts: new Map() };
    const { counts } = minute;
    const [all, one] = [counts.get(tenantId) ?? 0, counts.get(`${tenantId} ${host}`) ?? 0];
    if (all >= BUDGET.perMinute || one >= BUDGET.perHost || (running.get(tenantId) ?? 0) >= BUDGET.atOnce)
      throw new Error('too many client metadata documents are requested; try again in a minute');
    counts.set(tenantId, all + 1);
    counts.set(`${tenantId} ${host}`, one + 1);
  }

  async function ask(tenantId: string, ...request: Parameters<typeof fetch>): Promise<Outcome> {
    running.set(tenantId, (running.get(tenantId) ?? 0) + 1);
    try {
      const response = await inner(...request);
      const body = await readLimited(response.body, MAX_DOCUMENT_BYTES);
      if (body === null) throw new TypeError(`answered more than ${MAX_DOCUMENT_BYTES} bytes`);
      return { status: response.status, headers: [...response.headers], body };
    } catch (error) {
      return { error: error instanceof Error ? error : new Error(String(error)) };
    } finally {
      const left = (running.get(tenantId) ?? 1) - 1;
      if (left === 0) running.delete(tenantId);
      else running.set(tenantId, left);
    }
  }

  return (tenantId) => async (input, init) => {
    const { url } = new Request(input, init);
    const key = `${tenantId} ${url}`;
    const known = kept.get(key);
    if (known !== undefined) return responseOf(known);
    let outcome = pending.get(key);
    if (outcome === undefined) {
      spend(tenantId, new URL(url).hostname);
      const asked = async (): Promise<Outcome> => {
        const done = await ask(tenantId, input, init);
        pending.delete(key);
        kept.set(key, done, { size: key.length + ('body' in done ? done.body.byteLength : 0) });
        return done;
      };
      outcome = asked();
      pending.set(key, outcome);
    }
    return responseOf(await outcome);
  };
}

function responseOf(outcome: Outcome): Response {
  if ('error' in outcome) throw outcome.error;
  const { status, headers, body } = outcome;
  const bodiless = status === 204 || status === 205 || status === 304;
  return new Response(bodiless ? null : new Uint8Array(body), { status, headers });
}
