import type { Actor } from '#domain/actor.ts';
import { principalOf } from '#domain/actor.ts';
import type { Explanation, ReadContext, TenantReader } from '#domain/context.ts';
import type { Denial } from '#domain/denial.ts';
import { Fault } from '#lib/fault.ts';
import type { App } from './app.ts';
import { approverFacts } from './approve/approver-facts.ts';
import { eligibleFor } from './approve/approvers.ts';
import { findDeadlock } from './approve/ask.ts';
import { approvalPage } from './approve/page.ts';
import type { CatalogueEntry } from './catalogue.ts';
import { decide, targetIds } from './decide/decide.ts';
import { policyDesk } from './decide/desk.ts';
import { lacksScope, policiesOf } from './decide/given.ts';
import { notForAgents } from './decide/not-for-agents.ts';
import { parseInput } from './input.ts';
import { resolveReferences } from './references.ts';
import { TENANT_TARGET } from './tool.ts';

export { parseInput } from './input.ts';

/** The context in which a tool reads, inside the reader's transaction. */
export function readContext(
  app: Pick<App, 'baseUrl' | 'catalogue' | 'policies' | 'loginIssuer'>,
  reader: TenantReader,
  actor: Actor,
): ReadContext {
  return {
    tenantId: reader.tenantId,
    now: reader.now,
    db: reader.db,
    actor,
    tools: app.catalogue.all.map(({ tool }) => tool),
    explain: (tool, input) => explain(app, reader, actor, tool, input),
    baseUrl: app.baseUrl,
    approvalPage: (id) => approvalPage(app.baseUrl, reader.tenantId, id),
    policy: policyDesk(app, reader, actor),
  };
}

/**
 * Whether the caller lacks the tool whatever its input is: `lacksScope`, an API key without the tool, or a
 * person's own token without its scope. Then the answer is that of the organisation as target, and no name
 * is resolved: it reveals nothing about which names exist.
 */
function lacksTool(entry: CatalogueEntry, actor: Actor): boolean {
  const { name, tokenScope } = entry.tool;
  if (actor.kind === 'service') return !actor.tools.includes(name);
  const held = actor.kind === 'person' ? actor.tokenScopes : undefined;
  if (held !== undefined && (tokenScope === undefined || !held.includes(tokenScope))) return true;
  return lacksScope(entry, actor);
}

/**
 * What would happen if the actor called the tool now. It asks neither for the target's administrator roles at
 * the provider, and takes them as none, nor for the age of directory data; the call itself does. A refusal
 * names no approvers.
 */
async function explain(
  app: Pick<App, 'baseUrl' | 'catalogue' | 'policies' | 'loginIssuer'>,
  reader: TenantReader,
  actor: Actor,
  tool: string,
  raw: Readonly<Record<string, unknown>>,
): Promise<Explanation> {
  const entry = app.catalogue.get(tool);
  if (entry === undefined) throw new Fault('not_found', `There is no tool "${tool.slice(0, 60)}".`);
  const refused = (denial: Denial): Explanation => ({
    tool,
    allowed: false,
    approvals: [],
    policies: [],
    denial,
  });
  const barred = notForAgents(await policiesOf(app.policies, reader), entry, actor);
  if (barred !== null) return refused(barred);
  const parsed = parseInput(entry, raw);
  if (lacksTool(entry, actor)) {
    const question = { entry, actor, targets: TENANT_TARGET, adminRoles: new Map(), anyAge: true } as const;
    const decision = await decide(reader, app.policies, question);
    if (!decision.allowed) return refused(decision.denial);
  }
  const input = await resolveReferences(reader, entry, actor, parsed);
  const targets = entry.tool.targets(input);
  const roles = new Map(targetIds(targets).map((id) => [id, [] as string[]] as const));
  const extra =
    entry.tool.effects === 'write'
      ? await entry.tool.context?.(readContext(app, reader, actor), input)
      : undefined;
  const decision = await decide(reader, app.policies, {
    entry,
    actor,
    targets,
    adminRoles: roles,
    worth: entry.tool.worth?.(input) ?? null,
    anyAge: true,
    ...(extra && { extra }),
  });
  if (!decision.allowed) return refused(decision.denial);
  const asked = {
    tool,
    actor,
    targets: targetIds(targets),
    principalId: principalOf(actor),
    agentId: actor.kind === 'agent' ? actor.agentId : null,
  };
  const blocked = await findDeadlock(app, reader, decision.saved.requirements, asked);
  if (blocked !== null) return { ...refused(blocked), policies: decision.saved.policies };
  const { requirements } = decision.saved;
  const facts = await approverFacts(reader, [{ call: asked, requirements }]);
  const approvals = requirements.map((one) => ({
    policy: one.policy,
    reason: one.reason,
    quorum: one.quorum,
    approvers: eligibleFor(facts, one, asked, false).map((person) => person.displayName),
  }));
  return { tool, allowed: true, approvals, policies: decision.saved.policies, denial: null };
}
