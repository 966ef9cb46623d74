import { and, asc, eq, inArray, or, sql } from 'drizzle-orm';
import { findAgent, type Agent } from '../agent/store.ts';
import { agents } from '../agent/tables.ts';
import type { Call } from '../call/store.ts';
import { calls } from '../call/tables.ts';
import type { TenantReader } from '../context.ts';
import type { Impact } from '../impact.ts';
import type { Mandate } from '../mandate/store.ts';
import { mandates } from '../mandate/tables.ts';
import { openTrees } from '../mandate/trees.ts';
import { findPeople, findPerson, type Lock, type Person } from '../person/store.ts';
import { tenants } from '../tenant/tables.ts';
import { Fault } from '#lib/fault.ts';
import type { FreezeTarget } from './target.ts';

/** Everything that a freeze hits, as the rows are now. */
export interface FreezePlan {
  readonly target: FreezeTarget;
  /** For people: an agent's or a person's name, the mandate's id, the organisation's name. */
  readonly name: string;
  /** The one thing that is frozen itself, where it is an agent or a person. */
  readonly agent: Agent | null;
  readonly person: Person | null;
  readonly mandates: readonly Mandate[];
  /** Calls that wait for an approval and will be withdrawn. */
  readonly waiting: readonly Call[];
  /** Names by id, of every agent and principal of the mandates. */
  readonly names: ReadonlyMap<string, string>;
}

/**
 * Reads what a freeze hits. The preview asks without a lock, the execution with one: the same code, so that what was shown is what
 * is done. Locks in the order of every revocation: person, agent, mandates, calls. Fault `not_found` for a target that is not there.
 */
export async function planFreeze(
  reader: TenantReader,
  target: FreezeTarget,
  lock?: Extract<Lock, 'update'>,
): Promise<FreezePlan> {
  const person = target.kind === 'principal' ? await findPerson(reader, target.id, lock) : null;
  const agent = target.kind === 'agent' ? await findAgent(reader, target.id, lock) : null;
  const hit = await mandatesOf(reader, target, lock);
  const name = agent?.name ?? person?.displayName ?? (await otherName(reader, target, lock));
  if (name === null)
    throw new Fault('not_found', `There is no ${target.kind} ${target.id.slice(0, 40)} here.`);
  const waiting = await waitingFor(reader, target, hit, lock);
  return { target, name, agent, person, mandates: hit, waiting, names: await namesOf(reader, hit) };
}

/** How many are named one by one; the counts are always of all. */
const NAMED = 20;

/** What people see of a plan before and after: counts, and the first of each by name. */
export function freezeReport(plan: FreezePlan) {
  const name = (id: string) => plan.names.get(id) ?? id;
  const agentIds = new Set(plan.mandates.map((mandate) => mandate.agentId));
  if (plan.agent !== null) agentIds.add(plan.agent.id);
  return {
    target: plan.target.id,
    kind: plan.target.kind,
    name: plan.name,
    mandates: plan.mandates.length,
    agents: agentIds.size,
    principals: new Set(plan.mandates.map((mandate) => mandate.principalId)).size,
    pending_approvals: plan.waiting.length,
    tokens: tokensOf(plan),
    named: {
      mandates: plan.mandates
        .slice(0, NAMED)
        .map(
          (one) => `${one.id}: ${name(one.principalId)} to ${name(one.agentId)} (${one.scopes.join(', ')})`,
        ),
      agents: [...agentIds].slice(0, NAMED).map((id) => (id === plan.agent?.id ? plan.agent.name : name(id))),
      pending_approvals: plan.waiting.slice(0, NAMED).map((call) => `${call.id}: ${call.summary}`),
    },
  };
}

/** The impact of a plan, for approvers and previews. */
export function freezeImpact(plan: FreezePlan): Impact {
  const report = freezeReport(plan);
  const changes = [
    { what: plan.target.kind, from: standingNow(plan), to: 'frozen' },
    ...plan.mandates
      .slice(0, NAMED)
      .map((one) => ({ what: `mandate ${one.id}`, from: one.state, to: 'frozen' })),
    ...report.named.pending_approvals.map((what) => ({ what, from: 'waiting', to: 'withdrawn' })),
  ];
  return {
    changes,
    effect: `${plan.name} stops at once: ${report.mandates} mandates of ${report.principals} people to ${report.agents} agents, ${report.pending_approvals} requests that wait for approval, and ${report.tokens}.`,
    reversible: true,
  };
}

function tokensOf(plan: FreezePlan): string {
  const all = {
    agent: 'every token of the agent',
    principal: 'every token that acts for the person, through an agent or a client,',
    mandate: `every token under ${plan.mandates.length} mandates`,
    organisation: 'every token of the organisation',
  };
  return `${all[plan.target.kind]} issued before`;
}

const standingNow = (plan: FreezePlan): string =>
  plan.agent?.status ?? (plan.person === null ? 'active' : plan.person.status.toLowerCase());

async function mandatesOf(
  reader: TenantReader,
  target: FreezeTarget,
  lock: Lock,
): Promise<readonly Mandate[]> {
  switch (target.kind) {
    case 'agent':
      return openTrees(reader, { agentId: target.id }, lock);
    case 'principal':
      return openTrees(reader, { principalId: target.id }, lock);
    case 'mandate':
      return openTrees(reader, { mandateIds: [target.id] }, lock);
    case 'organisation':
      // The tenant's own status stops them all: none of them changes, so none is locked.
      return reader.db
        .select()
        .from(mandates)
        .where(and(eq(mandates.tenantId, reader.tenantId), inArray(mandates.state, ['active', 'frozen'])))
        .orderBy(asc(mandates.id));
  }
}

async function otherName(reader: TenantReader, target: FreezeTarget, lock: Lock): Promise<string | null> {
  if (target.kind === 'organisation') {
    const query = reader.db
      .select({ name: tenants.name })
      .from(tenants)
      .where(eq(tenants.id, reader.tenantId));
    const [row] = lock === undefined ? await query : await query.for(lock);
    return row?.name ?? null;
  }
  if (target.kind !== 'mandate') return null;
  const [row] = await reader.db
    .select({ id: mandates.id })
    .from(mandates)
    .where(and(eq(mandates.tenantId, reader.tenantId), eq(mandates.id, target.id)));
  return row === undefined ? null : `mandate ${row.id}`;
}

async function waitingFor(
  reader: TenantReader,
  target: FreezeTarget,
  hit: readonly Mandate[],
  lock: Lock,
): Promise<Call[]> {
  const ids = hit.map((mandate) => mandate.id);
  const under = ids.length === 0 ? sql`false` : inArray(calls.mandateId, ids);
  const where = {
    agent: or(under, eq(calls.agentId, target.id), sql`${target.id} = any(${calls.targets})`),
    principal: or(under, eq(calls.principalId, target.id)),
    mandate: under,
    organisation: undefined,
  }[target.kind];
  const query = reader.db
    .select()
    .from(calls)
    .where(and(eq(calls.tenantId, reader.tenantId), eq(calls.state, 'waiting'), where))
    .orderBy(asc(calls.id));
  return lock === undefined ? query : query.for(lock);
}

async function namesOf(reader: TenantReader, hit: readonly Mandate[]): Promise<ReadonlyMap<string, string>> {
  const shown = hit.slice(0, NAMED);
  const people = await findPeople(reader, [...new Set(shown.map((one) => one.principalId))]);
  const ids = [...new Set(shown.map((one) => one.agentId))];
  const known =
    ids.length === 0
      ? []
      : await reader.db
          .select({ id: agents.id, name: agents.name })
          .from(agents)
          .where(and(eq(agents.tenantId, reader.tenantId), inArray(agents.id, ids)));
  return new Map([
    ...people.map((person) => [person.id, person.displayName] as const),
    ...known.map((agent) => [agent.id, agent.name] as const),
  ]);
}
