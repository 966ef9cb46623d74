import type * as cedar from '@cedar-policy/cedar-wasm/nodejs';
import type { Actor } from '#domain/actor.ts';
import type { TenantReader } from '#domain/context.ts';
import {
  candidateMandates,
  candidatePeople,
  type MandatePlace,
  type Whom,
} from '#domain/decision/candidates.ts';
import { decisionFactsOfAll, type DecisionFacts, type PersonFacts } from '#domain/decision/facts.ts';
import { AS_TODAY, FROM_LEDGER, reconstruct, type Past } from '#domain/decision/reconstruct.ts';
import { patternsFor } from '#domain/mandate/resources.ts';
import type { PolicyDesk, WhoCan } from '#domain/policy/desk.ts';
import { policyVersion } from '#domain/policy/store.ts';
import { Fault } from '#lib/fault.ts';
import type { App } from './app.ts';
import { findDeadlock } from './approve/ask.ts';
import { judge, targetIds, type Question } from './decide/decide.ts';
import { targetEntity } from './decide/entities.ts';
import { closedToAgents } from './decide/not-for-agents.ts';
import type { PolicySet } from './decide/policy-set.ts';
import { parseInput } from './input.ts';
import { resolveReferences } from './references.ts';

// How many people and mandates one answer examines.
const MAX_PEOPLE = 1000;
const MAX_MANDATES = 200;

type Asked = Parameters<PolicyDesk['whoCan']>[0];
type Parts = Pick<App, 'catalogue' | 'policies' | 'loginIssuer'>;

/**
 * Lists the people and agents that could use this tool on these targets. Each is decided like a call of
 * theirs: people in a session, agents under each of their active mandates. With `at`, as things were then, as
 * far as the ledger tells. Only those are decided whom the policies of the tool could mean at all. Everybody
 * comes in pages, ordered by the person; agents come with the person whom they act for.
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
  const [facts] = await back(await decisionFactsOfAll(reader, [nobody]), past);
  if (facts === undefined) throw new Error('the facts of a decision were not answered');
  const set = await parts.policies.inForce(facts.policy, (version) => policyVersion(reader, version));
  const search: Search = { parts, reader, set, base, facts, past, limit: asked.limit };
  const answer = await pageOf(search, placeOf(asked.cursor));
  return {
    people: answer.people,
    agents: answer.agents,
    askedPeople: answer.askedPeople,
    askedMandates: answer.askedMandates,
    nextCursor: answer.next,
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

/** Today's facts, set back to what they were then: all people and all mandates of them together. */
async function back(all: readonly DecisionFacts[], past: Past | null): Promise<readonly DecisionFacts[]> {
  if (past === null) return all;
  const peopleIn = ({ principal, targets }: DecisionFacts) => [
    ...(principal === null ? [] : [principal]),
    ...targets.flatMap((target) => (target?.type === 'Person' ? [target.person] : [])),
  ];
  const people = new Map(all.flatMap(peopleIn).map((person) => [person.id, person]));
  const then = new Map((await past.people([...people.values()])).map((person) => [person.id, person]));
  const chains = new Map(
    (await past.mandates(all.flatMap(({ chain }) => chain))).map((mandate) => [mandate.id, mandate]),
  );
  return all.map((facts) => ({
    ...facts,
    policy: past.policy,
    principal: facts.principal === null ? null : (then.get(facts.principal.id) ?? facts.principal),
    chain: facts.chain.map((mandate) => chains.get(mandate.id) ?? mandate),
    targets: facts.targets.map((target) =>
      target?.type === 'Person' ? { ...target, person: then.get(target.id) ?? target.person } : target,
    ),
  }));
}

/** Where a page goes on: after a person, or after a mandate of theirs. */
interface Place {
  readonly person: string | null;
  readonly mandate: string | null;
}

/** A cursor is the id of a person, and of one of their mandates if not all were examined. */
function placeOf(cursor: string | null): Place {
  const [person = null, mandate = null] = cursor?.split('/') ?? [];
  return { person, mandate };
}

interface Page {
  readonly people: WhoCan['people'][number][];
  readonly agents: WhoCan['agents'][number][];
  askedPeople: number;
  askedMandates: number;
  next: string | null;
}

async function pageOf(search: Search, from: Place): Promise<Page> {
  const { reader, past, limit } = search;
  const whom = whomMeant(search);
  const page: Page = { people: [], agents: [], askedPeople: 0, askedMandates: 0, next: null };
  if (from.person !== null && from.mandate !== null) {
    await addAgents(search, page, [from.person], { principalId: from.person, id: from.mandate });
    if (page.next !== null) return page;
  }
  for (let after = from.person; ;) {
    const rows = await candidatePeople(reader, whom, { after, until: past?.at ?? null, limit: limit + 1 });
    const asked = rows.slice(0, limit);
    const covered: string[] = [];
    for (const person of past === null ? asked : await past.people(asked)) {
      if (page.people.length === limit) break;
      await addPerson(search, page, person);
      covered.push(person.id);
    }
    await addAgents(search, page, covered, null);
    page.askedPeople += covered.length;
    if (page.next !== null) return page;
    if (covered.length === rows.length) return page;
    after = covered.at(-1) ?? after;
    if (
      page.people.length === limit ||
      page.askedPeople >= MAX_PEOPLE ||
      page.askedMandates >= MAX_MANDATES
    ) {
      page.next = after;
      return page;
    }
  }
}

/**
 * Whom the policies of the tool could permit it, or null for everybody: what each permit asks of the
 * principal, as far as that can be looked up. Whoever is left out is permitted by none.
 */
function whomMeant({ set, base, facts, past }: Search): readonly Whom[] | null {
  const [target] = facts.targets;
  if (target === undefined || facts.targets.includes(null)) return null;
  const { attrs } = targetEntity(target!, base.adminRoles);
  const whom: Whom[] = [];
  for (const { effect, addsOnly, about, asks } of set.forTool(base.entry.tool.name).policies.values()) {
    if (effect !== 'permit' || addsOnly || about.principal === 'Service') continue;
    if (about.resource !== null && about.resource !== target!.type) continue;
    const scopes = asks.scopes.map((scope) => scope ?? base.entry.tool.scope);
    const ids = asks.is.map((attr) => personIn(attrs[attr]));
    if (asks.roles.length + scopes.length + ids.length === 0) return null;
    whom.push({ roles: asks.roles, scopes, ids: ids[0] === undefined ? null : ids[0] });
  }
  return past === null ? whom : [{ roles: [], scopes: [], ids: past.idsOf(whom) }];
}

/** The person that an attribute of a target names: nobody if the target has no such attribute. */
const personIn = (value: cedar.CedarValueJson | undefined): string[] =>
  typeof value === 'object' && value !== null && '__entity' in value
    ? [(value.__entity as { id: string }).id]
    : [];

async function addPerson(search: Search, page: Page, principal: PersonFacts): Promise<void> {
  const { reader, facts, past, set, base } = search;
  const actor: Actor = { kind: 'person', surface: 'slack', personId: principal.id, identity: {} };
  const decision = judge(set, { ...base, actor }, { ...facts, principal }, past?.at ?? reader.now);
  if (!decision.allowed) return;
  const { policies, requirements } = decision.saved;
  page.people.push({
    id: principal.id,
    name: principal.displayName,
    roles: principal.roles,
    policies,
    approvals: requirements,
    blocked: await blockedFor(search, actor, requirements),
  });
}

/**
 * Adds the agents that could for these people, whose mandates are read in order. If there are more than one
 * answer examines, the page ends with the last one, and the people after its principal are left for the next.
 */
async function addAgents(
  search: Search,
  page: Page,
  principals: readonly string[],
  after: MandatePlace | null,
): Promise<void> {
  const { reader, past, set, base, facts } = search;
  if (principals.length === 0 || closedToAgents(set, base.entry)) return;
  const then = past?.at ?? reader.now;
  const [target] = facts.targets;
  const room = MAX_MANDATES - page.askedMandates;
  const rows = await candidateMandates(reader, {
    principals,
    scope: base.entry.tool.scope,
    covering: target?.type === 'Person' ? patternsFor(target.person) : null,
    at: then,
    active: past === null,
    after,
    limit: room + 1,
  });
  const asked = rows.slice(0, room);
  const subjects = asked.map(({ id, principalId, agentId }) => ({
    principalId,
    agentId,
    mandateId: id,
    targets: base.targets,
  }));
  const read = await back(await decisionFactsOfAll(reader, subjects), past);
  for (const [nth, { id, principalId, agentId, scopes }] of asked.entries()) {
    const actor: Actor = {
      kind: 'agent',
      surface: 'rest',
      agentId,
      personId: principalId,
      mandateId: id,
      scopes,
      jti: '',
    };
    const decision = judge(set, { ...base, actor }, read[nth]!, then);
    if (!decision.allowed) continue;
    const { policies, requirements } = decision.saved;
    const blocked = await blockedFor(search, actor, requirements);
    page.agents.push({ agentId, mandateId: id, principalId, policies, approvals: requirements, blocked });
  }
  page.askedMandates += asked.length;
  const last = asked.at(-1);
  if (rows.length <= room || last === undefined) return;
  page.next = `${last.principalId}/${last.id}`;
  const told = page.people.filter(({ id }) => id <= last.principalId);
  page.people.splice(0, page.people.length, ...told);
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
