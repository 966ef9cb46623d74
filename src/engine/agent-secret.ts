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

/** What a bearer must carry to be answered a secret: a scope of an API key, or of a person's own access token. */
export const AGENT_MANAGE = 'agent.manage';

/** The tool whose policies say which person may do this: it is a rotation like any other. */
const ROTATE = 'agent_rotate_key';

/**
 * Gives an agent a generated secret in place of all its credentials, and answers it: this once, and nowhere else. No tool can: the
 * result of a call is kept and shown again (law 12). A person is asked of policy as for a rotation; a key needs its scope, which
 * `bearerScopes` must hold in either case. Throws Fault `forbidden` and `not_found`; a refusal leaves its ledger entry.
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
      ? await refusal(app, ctx, actor, agentId)
      : denial('token_scope_missing', `This needs the scope ${AGENT_MANAGE}.`);
    if (refused !== null) {
      ctx.record({
        event: 'CALL_DENIED',
        actor: actorName(actor),
        data: { tool: ROTATE, targets: [agentId], surface: actor.surface, code: refused.code, secret: true },
      });
      return refused;
    }
    const agent = await findAgent(ctx, agentId, 'update');
    if (agent === null) throw new Fault('not_found', 'There is no such agent here.');
    return { secret: await generateSecret(ctx, agent, actor) };
  });
  if ('code' in answer)
    throw new Fault('forbidden', answer.message, { detail: { reason: answer.code, ...answer.missing } });
  return { agent_id: agentId, client_secret: answer.secret };
}

async function refusal(app: App, ctx: TenantWriter, actor: Actor, agentId: string): Promise<Denial | null> {
  if (actor.kind === 'service') {
    return (await theTenant(ctx)).status === 'active'
      ? null
      : denial('tenant_frozen', 'Everything is frozen in this organisation.');
  }
  if (isThroughAgent(actor)) return denial('not_for_agents', 'A secret is answered to people themselves.');
  const entry = app.catalogue.get(ROTATE);
  if (entry === undefined) throw new Error(`the tool ${ROTATE} is not there`);
  // Its scope has been looked at; the person is asked of policy as one who acts by their own hand.
  const person = actor.kind === 'person' ? withoutTokenScopes(actor) : actor;
  const question = { entry, actor: person, targets: [agentTarget(agentId)] as const, adminRoles: new Map() };
  const decision = await decide(ctx, app.policies, question, 'share');
  if (!decision.allowed) return decision.denial;
  const [first] = decision.saved.requirements;
  return first === undefined
    ? null
    : denial('forbidden_by_policy', `${first.reason} A secret is answered at once or not at all.`, {
        policy: first.policy,
      });
}

function withoutTokenScopes(actor: Extract<Actor, { kind: 'person' }>): Actor {
  const { tokenScopes: _, ...rest } = actor;
  return rest;
}
