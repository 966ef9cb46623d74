import { retireKeyNow } from '#domain/agent/credentials.ts';
import { findAgent } from '#domain/agent/store.ts';
import type { App } from '#engine/app.ts';
import { transact } from '#engine/transact.ts';

/** Retires a key whose grace is over; tokens that the agent got before die, and it exchanges again. Retired before: nothing happens. */
export async function retireAgentKey(
  app: App,
  tenantId: string,
  agentId: string,
  kid: string,
): Promise<void> {
  await transact(app, tenantId, async (ctx) => {
    const agent = await findAgent(ctx, agentId, 'update');
    if (agent !== null) await retireKeyNow(ctx, agent, kid);
  });
}
