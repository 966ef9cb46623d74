import { reach } from '#db/reach.ts';
import type { App } from '#engine/app.ts';

/** How long an answer about a dependency counts. Strangers may ask as often as they like: the dependency is asked once in that time. */
const DEPENDENCY_MS = 30_000;

type State = 'ok' | 'unavailable';

/**
 * `/healthz`: the process lives. `/readyz`: 200 where this process can decide, so where the primary database answers a connection that row-level
 * security binds, and the policies can be evaluated; else 503. What else it needs for some of its work (Slack) is reported beside that and takes nothing out of service: REST, MCP,
 * SCIM and the kill switch work without it. That is asked at most every half minute, once at a time, whoever asks here.
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
