import type { Context } from 'hono';
import { invalid } from './errors.ts';
import type { OktaEnv, Simulation } from './simulation.ts';

/** A page of a list: its items, and the cursor of the next page, or null. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

/** Reads the query's `limit`: `fallback` if absent, cut to `most`. Throws E0000001 below 1. */
export function limitOf(c: Context<OktaEnv>, fallback: number, most: number): number {
  const text = c.req.query('limit');
  if (text === undefined || text === '') return fallback;
  const limit = Number(text);
  if (!Number.isInteger(limit) || limit < 1)
    throw invalid('limit', 'limit: The limit parameter must be a positive integer.');
  return Math.min(limit, most);
}

/**
 * Cuts a page from a sorted list. The cursor names the last item sent, so paging stays right while items are
 * added or removed. If that item is gone, the page starts after every item that sorts before its id.
 */
export function paginate<T>(
  items: readonly T[],
  idOf: (item: T) => string,
  limit: number,
  after: string | undefined,
): Page<T> {
  const found = after === undefined ? -1 : items.findIndex((item) => idOf(item) === after);
  const later = after === undefined ? 0 : items.findIndex((item) => idOf(item) > after);
  const start = found >= 0 ? found + 1 : later >= 0 ? later : items.length;
  const page = items.slice(start, start + limit);
  const last = page.at(-1);
  return { items: page, next: last !== undefined && start + limit < items.length ? idOf(last) : null };
}

/** Sends a list with Okta's `Link` headers: always `self`, and `next` if there is a cursor. */
export function sendPage(
  sim: Simulation,
  c: Context<OktaEnv>,
  body: readonly unknown[],
  next: string | null,
): Response {
  const here = new URL(c.req.url);
  c.header('link', `<${sim.url()}${here.pathname}${here.search}>; rel="self"`, { append: true });
  if (next !== null) {
    const query = new URLSearchParams(here.search);
    query.set('after', next);
    c.header('link', `<${sim.url()}${here.pathname}?${query.toString()}>; rel="next"`, { append: true });
  }
  return c.json(body);
}
