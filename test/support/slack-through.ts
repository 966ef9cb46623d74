import { eventually, type World } from './world.ts';

/**
 * Waits until all requests from Slack that cause work are done. Each is stored before it is acknowledged, and
 * deleted after its answer. Menus and events are answered in their acknowledgement and need no waiting.
 */
export async function slackIsThrough({ sql }: Pick<World, 'sql'>): Promise<void> {
  await eventually(
    async () => (await sql`select 1 from slack_intake`).length === 0,
    'every request of Slack is done',
  );
}
