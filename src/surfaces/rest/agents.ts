import { z } from 'zod';
import { issueAgentSecret } from '#engine/agent-secret.ts';
import { answerOf, route } from './route.ts';

const AgentSecret = z.object({ agent_id: z.string(), client_secret: z.string() });

/** The routes of agents that are not tools. */
export const AGENT_ROUTES = [
  route({
    method: 'POST',
    path: '/v1/agents/{id}/secret',
    who: 'caller',
    operationId: 'generateAgentSecret',
    summary:
      'Replaces all credentials of an agent with a generated secret and returns it once (scope `agent.manage`; the owner, IT admins or an API key)',
    once: 'answer',
    answer: answerOf(
      AgentSecret,
      201,
      'The secret. Prokura does not store it, except sealed for 48 hours if you sent an Idempotency-Key.',
    ),
    handle: async ({ app, caller, params }) => {
      const { tenantId, actor, keyScopes } = caller;
      const held = actor.kind === 'person' ? (actor.tokenScopes ?? []) : keyScopes;
      return issueAgentSecret(app, tenantId, actor, held, params.id);
    },
  }),
];
