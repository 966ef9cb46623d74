import { reach } from '#db/reach.ts';
import type { App } from '#engine/app.ts';
import { silenceOf } from '#lib/check.ts';
import { Fault } from '#lib/fault.ts';

/**
 * How long an answer about a dependency is reused, in milliseconds. However often these addresses
 * are called, the dependency is asked only once in that time.
 */
const DEPENDENCY_MS = 30_000;

interface State {
  readonly state: 'ok' | 'unavailable';
  /** Why, as a short code that anybody may read: `invalid_auth`, `dns`, `timeout`. */
  readonly reason?: string;
}

/**
 * `/healthz`: the process is alive. `/readyz`: 200 if this process can decide, which means that the
 * primary database answers a connection to which row-level security applies, and the policies can be
 * evaluated; otherwise 503. Slack's state is shown too but does not affect the status, because REST, MCP,
 * SCIM and the kill switch work without Slack. It is checked at most every `DEPENDENCY_MS`, whoever calls.
 * `reasons` says why something is unavailable, as a code; the log has the rest.
 */
export function health(app: App, slack: { ready(): Promise<void> }) {
  const check = async (name: string, ask: () => unknown): Promise<State> => {
    try {
      await ask();
      return { state: 'ok' };
    } catch (error) {
      app.log.warn({ err: error, check: name }, 'not ready');
      return { state: 'unavailable', reason: reasonOf(error) };
    }
  };
  let asked = { at: Number.NEGATIVE_INFINITY, state: Promise.resolve<State>({ state: 'ok' }) };
  const slackState = (): Promise<State> => {
    const at = performance.now();
    if (at - asked.at >= DEPENDENCY_MS) asked = { at, state: check('slack', () => slack.ready()) };
    return asked.state;
  };
  return {
    fetch: async (request: Request): Promise<Response | null> => {
      const path = new URL(request.url).pathname;
      if (path === '/healthz') return Response.json({ status: 'ok', mode: app.mode });
      if (path !== '/readyz') return null;
      const [database, policies, slackNow] = await Promise.all([
        check('database', () => reach(Promise.resolve(app.database.sql`select primary_only()`))),
        check('policies', () => app.policies.ready()),
        slackState(),
      ]);
      const ready = database.state === 'ok' && policies.state === 'ok';
      const parts = { database, policies, slack: slackNow };
      const reasons = Object.entries(parts).flatMap(([name, { reason }]) =>
        reason === undefined ? [] : [[name, reason]],
      );
      return Response.json(
        {
          status: ready ? 'ready' : 'not_ready',
          ...Object.fromEntries(Object.entries(parts).map(([name, { state }]) => [name, state])),
          ...(reasons.length === 0 ? {} : { reasons: Object.fromEntries(reasons) as unknown }),
        },
        { status: ready ? 200 : 503 },
      );
    },
  };
}

/** A code of ours, of the database or of the system, never words: these may quote what was sent. */
function reasonOf(error: unknown): string {
  const known = error instanceof Fault ? error.detail.reason : undefined;
  const reason = known === 'database_unavailable' ? codeOf((error as Fault).cause) : known;
  return typeof reason === 'string' && /^\w{1,60}$/.test(reason) ? reason : 'unknown';
}

/** The SQLSTATE with which PostgreSQL refused, or why there was no answer. */
function codeOf(error: unknown): string {
  for (let cause = error; cause instanceof Error; cause = cause.cause)
    if ('code' in cause && /^\d[0-9A-Z]{4}$/.test(String(cause.code))) return String(cause.code);
  return silenceOf(error).code;
}
