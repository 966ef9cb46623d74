import type { Actor } from '#domain/actor.ts';
import type { TenantReader } from '#domain/context.ts';
import { candidateMandates, candidatePeople } from '#domain/decision/candidates.ts';
import { decisionFacts, type DecisionFacts } from '#domain/decision/facts.ts';
import { AS_TODAY, FROM_LEDGER, reconstruct, type Past } from '#domain/decision/reconstruct.ts';
import type { PolicyDesk, WhoCan } from '#domain/policy/desk.ts';
import { policyVersion } from '#domain/policy/store.ts';
import { Fault } from '#lib/fault.ts';
import type { App } from './app.ts';
import { findDeadlock } from './approve/ask.ts';
import { judge, targetIds, type Question } from './decide/decide.ts';
import type { PolicySet } from './decide/policy-set.ts';
import { parseInput } from './input.ts';
import { resolveReferences } from './references.ts';

// How many people and mandates one answer examines.
const MAX_PEOPLE = 2000;
const MAX_MANDATES = 200;

type Asked = Parameters<PolicyDesk['whoCan']>[0];
type Parts = Pick<App, 'catalogue' | 'policies' | 'loginIssuer'>;

/**
 * Lists the people and agents that could use this tool on these targets. Each is decided like a call of
 * theirs: people in a session, agents under each of their active mandates. With `at`, as things were then, as
 * far as the ledger tells. People come in pages; all agents come with the first page.
 *
 * Does not ask the provider for administrator roles: the targets count as having none.
 */
export async function whoCan(
  parts: Parts,
  reader: TenantReader,
  asker: Actor,
  asked: Asked,
): Promise<WhoCan> {
  const entry = parts.catalogue.get(asked.tool);
  if (entry === undefined) throw new Fault('not_found', `There is no tool "${asked.tool.slice(0, 60)}".`);
  const input = await resolveReferences(reader, entry, asker, parseInput(entry, asked.input));
  const targets = entry.tool.targets(input);
  const past = asked.at === null ? null : await reconstruct(reader, asked.at);
  const base = {
    entry,
    targets,
    adminRoles: new Map(targetIds(targets).map((id) => [id, [] as string[]] as const)),
    worth: entry.tool.worth?.(input) ?? null,
    anyAge: true,
  } as const;
  const nobody = { principalId: null, agentId: null, mandateId: null, targets };
  const facts = back(await decisionFacts(reader, nobody, false), past);
  const set = await parts.policies.inForce(facts.policy, (version) => policyVersion(reader, version));
  const search: Search = { parts, reader, set, base, facts, past, limit: asked.limit };
  const humans = await peopleWhoCan(search, asked.cursor);
  const agents = asked.cursor === null ? await agentsWhoCan(search) : { found: [], asked: 0 };
  return {
    people: humans.found,
    agents: agents.found,
    askedPeople: humans.asked,
    askedMandates: agents.asked,
    nextCursor: humans.next,
    reconstructed:
      past === null
        ? null
        : { at: past.at.toISOString(), fromSeq: past.fromSeq, ledger: FROM_LEDGER, today: AS_TODAY },
  };
}

interface Search {
  readonly parts: Parts;
  readonly reader: TenantReader;
  readonly set: PolicySet;
  readonly base: Omit<Question, 'actor'>;
  readonly facts: DecisionFacts;
  readonly past: Past | null;
  readonly limit: number;
}

/** Today's facts, set back to what they were then. */
function back(facts: DecisionFacts, past: Past | null): DecisionFacts {
  if (past === null) return facts;
  return {
    ...facts,
    policy: past.policy,
    principal: facts.principal === null ? null : past.person(facts.principal),
    chain: facts.chain.map((mandate) => past.mandate(mandate)),
    targets: facts.targets.map((target) =>
      target?.type === 'Person' ? { ...target, person: past.person(target.person) } : target,
    ),
  };
}

async function peopleWhoCan(search: Search, cursor: string | null) {
  const { reader, facts, past, set, base, limit } = search;
  const page = { after: cursor, until: past?.at ?? null, limit: MAX_PEOPLE + 1 };
  const rows = await candidatePeople(reader, page);
  const found: WhoCan['people'][number][] = [];
  let [count, last] = [0, cursor];
  for (const row of rows.slice(0, MAX_PEOPLE)) {
    if (found.length === limit) return { found, asked: count, next: last };
    [count, last] = [count + 1, row.id];
    const principal = past === null ? row : past.person(row);
    const actor: Actor = { kind: 'person', surface: 'slack', personId: row.id, identity: {} };
    const decision = judge(set, { ...base, actor }, { ...facts, principal }, past?.at ?? reader.now);
    if (!decision.allowed) continue;
    const { policies, requirements } = decision.saved;
    found.push({
      id: row.id,
      name: principal.displayName,
      roles: principal.roles,
      policies,
      approvals: requirements,
      blocked: await blockedFor(search, actor, requirements),
    });
  }
  return { found, asked: count, next: rows.length > MAX_PEOPLE ? last : null };
}

async function agentsWhoCan(search: Search) {
  const { reader, past, set, base, limit } = search;
  const { scope } = base.entry.tool;
  const then = past?.at ?? reader.now;
  const which = { scope, at: then, active: past === null, limit: MAX_MANDATES };
  const rows = await candidateMandates(reader, which);
  const found: WhoCan['agents'][number][] = [];
  for (const { id, principalId, agentId, scopes } of rows) {
    if (found.length === limit) break;
    const subjects = { principalId, agentId, mandateId: id, targets: base.targets };
    const facts = back(await decisionFacts(reader, subjects, false), past);
    const actor: Actor = {
      kind: 'agent',
      surface: 'rest',
      agentId,
      personId: principalId,
      mandateId: id,
      scopes,
      jti: '',
    };
    const decision = judge(set, { ...base, actor }, facts, then);
    if (!decision.allowed) continue;
    const { policies, requirements } = decision.saved;
    const blocked = await blockedFor(search, actor, requirements);
    found.push({ agentId, mandateId: id, principalId, policies, approvals: requirements, blocked });
  }
  return { found, asked: rows.length };
}

/**
 * Why nobody could approve it, or null. Answers for today only, since the ledger does not say who was
 * eligible in the past.
 */
async function blockedFor(
  { parts, reader, past, base }: Search,
  actor: Actor,
  requirements: Parameters<typeof findDeadlock>[2],
): Promise<string | null> {
  if (past !== null || requirements.length === 0 || actor.kind === 'service') return null;
  const why = await findDeadlock(parts, reader, requirements, {
    tool: base.entry.tool.name,
    actor,
    targets: targetIds(base.targets),
    principalId: actor.personId,
    agentId: actor.kind === 'agent' ? actor.agentId : null,
  });
  return why?.message ?? null;
}
