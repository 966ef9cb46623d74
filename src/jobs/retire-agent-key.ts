import { z } from 'zod';
import { RETIRE_AGENT_KEY, retireKeyNow } from '#domain/agent/credentials.ts';
import { findAgent } from '#domain/agent/store.ts';
import { defineJob } from '#engine/job.ts';
import { transact } from '#engine/transact.ts';

/**
 * Retires an agent's key after its grace period. The agent's earlier tokens end, so it must exchange again.
 * Does nothing if the key is already retired.
 */
export default defineJob({
  queue: RETIRE_AGENT_KEY,
  data: z.object({ agent: z.string(), kid: z.string() }),
  concurrency: 1,
  retryLimit: 50,
  retryDelaySeconds: 5,
  givenUp: 'alarm',
  run: (app, tenantId, { agent: agentId, kid }) =>
    transact(app, tenantId, async (ctx) => {
      const agent = await findAgent(ctx, agentId, 'update');
      if (agent !== null) await retireKeyNow(ctx, agent, kid);
    }),
});
