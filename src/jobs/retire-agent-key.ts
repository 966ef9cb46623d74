import { retireKeyNow } from '#domain/agent/credentials.ts';
import { findAgent } from '#domain/agent/store.ts';
import type { App } from '#engine/app.ts';
import { transact } from '#engine/transact.ts';

/**
 * Retires an agent's key after its grace period. The agent's earlier tokens end, so it must exchange again.
 * Does nothing if the key is already retired.
 */
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
