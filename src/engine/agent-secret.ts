import { actorName, isThroughAgent, type Actor } from '#domain/actor.ts';
import { generateSecret } from '#domain/agent/credentials.ts';
import { findAgent } from '#domain/agent/store.ts';
import { theTenant } from '#domain/tenant/store.ts';
import type { TenantWriter } from '#domain/context.ts';
import { denial, type Denial } from '#domain/denial.ts';
import { Fault } from '#lib/fault.ts';
import type { App } from './app.ts';
import { decide, peopleOf } from './decide/decide.ts';
import { agentTarget } from './tool.ts';
import { freshen } from './read-person.ts';
import { transact } from './transact.ts';

/** The scope that issuing a secret requires, in an API key or in a person's own access token. */
export const AGENT_MANAGE = 'agent.manage';

// Issuing a secret is a rotation, so the policies of this tool decide which person may do it.
const ROTATE = 'agent_rotate_key';

/**
 * Replaces all credentials of an agent by a generated secret and returns the secret, this one time. It is not
 * a tool because the result of a call is stored and can be shown again (law 12).
 *
 * `bearerScopes` must contain `AGENT_MANAGE`. A person also needs what policy asks for a rotation; an API key
 * needs only the scope. A refusal throws Fault `forbidden` with `detail.reason` and leaves a ledger entry.
 * Throws Fault `not_found` for an unknown agent.
 */
export async function issueAgentSecret(
  app: App,
  tenantId: string,
  actor: Actor,
  bearerScopes: readonly string[],
  agentId: string,
): Promise<{ readonly agent_id: string; readonly client_secret: string }> {
  await freshen(app, tenantId, peopleOf(actor, []));
  const answer = await transact(app, tenantId, async (ctx) => {
    const refused = bearerScopes.includes(AGENT_MANAGE)
      ? await findRefusal(app, ctx, actor, agentId)
      : denial('token_scope_missing', `The scope ${AGENT_MANAGE} is required.`);
    if (refused !== null) {
      ctx.record({
        event: 'CALL_DENIED',
        actor: actorName(actor),
        data: { tool: ROTATE, targets: [agentId], surface: actor.surface, code: refused.code, secret: true },
      });
      return refused;
    }
    const agent = await findAgent(ctx, agentId, 'update');
    if (agent === null) throw new Fault('not_found', 'Agent not found.');
    return { secret: await generateSecret(ctx, agent, actor) };
  });
  if ('code' in answer)
    throw new Fault('forbidden', answer.message, { detail: { reason: answer.code, ...answer.missing } });
  return { agent_id: agentId, client_secret: answer.secret };
}

async function findRefusal(
  app: App,
  ctx: TenantWriter,
  actor: Actor,
  agentId: string,
): Promise<Denial | null> {
  if (actor.kind === 'service') {
    return (await theTenant(ctx)).status === 'active'
      ? null
      : denial(
          'tenant_frozen',
          'Everything in this organisation is frozen. An IT admin can lift the freeze.',
        );
  }
  if (isThroughAgent(actor)) return denial('not_for_agents', 'Only people can generate a secret.');
  const entry = app.catalogue.get(ROTATE);
  if (entry === undefined) throw new Error(`the tool ${ROTATE} is not there`);
  // The scope was checked above. Policy now judges the person as if they acted without the token.
  const person = actor.kind === 'person' ? withoutTokenScopes(actor) : actor;
  const question = { entry, actor: person, targets: [agentTarget(agentId)] as const, adminRoles: new Map() };
  const decision = await decide(ctx, app.policies, question, 'share');
  if (!decision.allowed) return decision.denial;
  const [first] = decision.saved.requirements;
  return first === undefined
    ? null
    : denial(
        'forbidden_by_policy',
        `${first.reason} A secret cannot wait for an approval, so none was generated.`,
        {
          policy: first.policy,
        },
      );
}

function withoutTokenScopes(actor: Extract<Actor, { kind: 'person' }>): Actor {
  const { tokenScopes: _, ...rest } = actor;
  return rest;
}
