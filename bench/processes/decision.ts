import postgres from 'postgres';
import type { AgentActor } from '#domain/actor.ts';
import { decisionFactsNow, subjectsOf } from '#domain/decision/facts.ts';
import type { App } from '#engine/app.ts';
import { decideNow } from '#engine/decide/decide.ts';
import { personEntity, targetEntity, type AdminRoles } from '#engine/decide/entities.ts';
import { actionParents } from '#engine/decide/schema.ts';
import type { Fixtures } from './fixtures.ts';

/** A decision, and the least that one can cost. Both throw if the answer is not yes. */
export interface Decision {
  ours(): Promise<void>;
  floor(): Promise<void>;
  close(): Promise<void>;
}

/** The tools that can be decided: one that acts on the principal's report, and one that looks people up. */
export type DecidedTool = 'okta_reset_mfa' | 'okta_find_user';

/**
 * An agent asks to use a tool. Ours is `decideNow`, as before an act asks the provider: it reads the tenant,
 * both people with their groups, agent and mandate, and asks Cedar. The floor asks Cedar with prepared
 * entities, and makes one read by primary key as the owner, to whom row-level security does not apply.
 */
export async function prepareDecision(
  app: App,
  fixtures: Fixtures,
  ownerUrl: string,
  name: DecidedTool,
  connections: number,
): Promise<Decision> {
  const { tenantId, mandateId, principalId, targetId } = fixtures;
  const entry = app.catalogue.get(name);
  if (entry === undefined) throw new Error(`there is no tool ${name}`);
  const actor: AgentActor = {
    kind: 'agent',
    surface: 'mcp',
    agentId: fixtures.agentId,
    personId: principalId,
    mandateId,
    scopes: fixtures.scopes,
    jti: 'benchmark',
  };
  const adminRoles: AdminRoles = new Map([[targetId, []]]);
  const question = {
    entry,
    actor,
    targets: entry.tool.targets({ person: targetId, query: 'Ann' }),
    adminRoles,
  };

  const facts = await decisionFactsNow(app.database.sql, tenantId, subjectsOf(actor, question.targets));
  const [target] = facts.targets;
  if (facts.principal === null || target === undefined || target === null)
    throw new Error('principal or target are not there');
  const principal = personEntity(facts.principal, undefined);
  const resource = targetEntity(target, adminRoles);
  const action = { type: 'Action', id: name };
  const policies = app.policies.forTool(name);
  const authorization: Parameters<typeof policies.ask>[0] = {
    principal: principal.uid,
    action,
    resource: resource.uid,
    context: { tool: name, scope: entry.tool.scope, surface: 'mcp', through_agent: true },
    entities: [
      principal,
      { uid: action, attrs: {}, parents: actionParents(entry).map((id) => ({ type: 'Action', id })) },
      resource,
    ],
  };
  const owner = postgres(ownerUrl, { max: connections, onnotice: () => {} });

  return {
    ours: async () => {
      const decision = await decideNow(app, tenantId, question);
      if (!decision.allowed) throw new Error(`denied: ${decision.denial.message}`);
    },
    floor: async () => {
      const [row] = await owner`select * from mandates where tenant_id = ${tenantId} and id = ${mandateId}`;
      const answer = policies.ask(authorization);
      if (row === undefined || answer.type === 'failure' || answer.response.decision !== 'allow')
        throw new Error('the floor did not allow it');
    },
    close: () => owner.end({ timeout: 5 }),
  };
}
