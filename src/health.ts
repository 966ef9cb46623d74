import { reach } from '#db/reach.ts';
import type { App } from '#engine/app.ts';

/** `/healthz`: the process lives. `/readyz`: it can decide: database, policies and Slack answer; 503 with what does not. */
export function health(app: App, slack: { ready(): Promise<void> }) {
  const checks = {
    database: () => reach(Promise.resolve(app.database.sql`select 1`)),
    policies: () => Promise.resolve(app.policies.ready()),
    slack: () => slack.ready(),
  };
  return {
    fetch: async (request: Request): Promise<Response | null> => {
      const path = new URL(request.url).pathname;
      if (path === '/healthz') return Response.json({ status: 'ok', mode: app.mode });
      if (path !== '/readyz') return null;
      const results = await Promise.all(
        Object.entries(checks).map(async ([name, check]) => {
          try {
            await check();
            return [name, 'ok'] as const;
          } catch (error) {
            app.log.warn({ err: error, check: name }, 'not ready');
            return [name, 'unavailable'] as const;
          }
        }),
      );
      const ready = results.every(([, state]) => state === 'ok');
      return Response.json(
        { status: ready ? 'ready' : 'not_ready', ...Object.fromEntries(results) },
        { status: ready ? 200 : 503 },
      );
    },
  };
}
