import { reach } from '#db/reach.ts';
import type { App } from '#engine/app.ts';

/**
 * How long an answer about a dependency is reused, in milliseconds. However often these addresses
 * are called, the dependency is asked only once in that time.
 */
const DEPENDENCY_MS = 30_000;

type State = 'ok' | 'unavailable';

/**
 * `/healthz`: the process is alive. `/readyz`: 200 if this process can decide, which means that the
 * primary database answers a connection to which row-level security applies, and the policies can be
 * evaluated; otherwise 503. Slack's state is shown too but does not affect the status, because REST, MCP,
 * SCIM and the kill switch work without Slack. It is checked at most every `DEPENDENCY_MS`, whoever calls.
 */
export function health(app: App, slack: { ready(): Promise<void> }) {
  const check = async (name: string, ask: () => unknown): Promise<State> => {
    try {
      await ask();
      return 'ok';
    } catch (error) {
      app.log.warn({ err: error, check: name }, 'not ready');
      return 'unavailable';
    }
  };
  let asked = { at: Number.NEGATIVE_INFINITY, state: Promise.resolve<State>('ok') };
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
      const ready = database === 'ok' && policies === 'ok';
      return Response.json(
        { status: ready ? 'ready' : 'not_ready', database, policies, slack: slackNow },
        { status: ready ? 200 : 503 },
      );
    },
  };
}
