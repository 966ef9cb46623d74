import { Hono } from 'hono';
import { invalid } from '../errors.ts';
import { compileFilter } from '../filter.ts';
import { sendPage } from '../page.ts';
import type { OktaEnv, Simulation } from '../simulation.ts';
import type { LogRecord } from '../types.ts';
import { seesAnything } from './request.ts';

const DAY_MS = 86_400_000;
const ANYTHING = { properties: null, ignoreCase: false } as const;

/**
 * `/api/v1/logs`. A query in ascending order without `until` polls: events in the order of storage, with a
 * `next` link on every page, even an empty one. Any other query is bounded, and its last page has no `next`.
 */
export function logRoutes(sim: Simulation): Hono<OktaEnv> {
  const app = new Hono<OktaEnv>();
  app.get('/logs', (c) => {
    const { since, until, filter, q, after, sortOrder } = c.req.query();
    const limit = logLimit(c.req.query('limit'));
    const descending = sortOrder === 'DESCENDING';
    const polling = until === undefined && !descending;
    const from = since === undefined ? sim.now() - 7 * DAY_MS : instant('since', since);
    if (from < sim.now() - 180 * DAY_MS)
      throw invalid('since', 'since: The since parameter is over 180 days prior to the current day.');
    const to = until === undefined ? Number.POSITIVE_INFINITY : instant('until', until);
    const cursor = after === undefined ? null : cursorSequence(after);
    const matches = filter === undefined ? () => true : compileFilter(filter, ANYTHING);
    const words = (q ?? '')
      .toLowerCase()
      .split(/\s+/)
      .filter((word) => word !== '');
    const found = sim.org.log
      .filter(
        (each) => seesAnything(c) && Date.parse(each.published) >= from && Date.parse(each.published) < to,
      )
      .filter((each) => cursor === null || (descending ? each.sequence < cursor : each.sequence > cursor))
      .filter(
        (each) =>
          matches(each.event) &&
          words.every((word) => JSON.stringify(each.event).toLowerCase().includes(word)),
      );
    const ordered = descending ? found.toReversed() : found;
    const page = ordered.slice(0, limit);
    const last = page.at(-1)?.sequence ?? cursor ?? lastBefore(sim.org.log, from);
    const more = ordered.length > page.length;
    return sendPage(
      sim,
      c,
      page.map((each) => each.event),
      polling || more ? `${last}_1` : null,
    );
  });
  return app;
}

function logLimit(text: string | undefined): number {
  const limit = Number(text ?? 100);
  if (!Number.isInteger(limit) || limit < 0 || limit > 1000)
    throw invalid('limit', 'limit: The limit must be between 0 and 1000.');
  return limit;
}

function instant(name: string, text: string): number {
  const time = Date.parse(text);
  if (Number.isNaN(time)) throw invalid(name, `${name}: The date format in your query is not recognized.`);
  return time;
}

function cursorSequence(after: string): number {
  const sequence = Number(after.split('_')[0]);
  if (!Number.isInteger(sequence)) throw invalid('after', 'after: The after parameter is invalid.');
  return sequence;
}

/** Where a polling query without a result continues: after everything that was published before its start. */
const lastBefore = (log: readonly LogRecord[], from: number): number =>
  log.findLast((each) => Date.parse(each.published) < from)?.sequence ?? 0;
