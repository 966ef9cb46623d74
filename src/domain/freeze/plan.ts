import { and, asc, eq, sql, type SQL } from 'drizzle-orm';
import { findAgent, type Agent } from '../agent/store.ts';
import { agents } from '../agent/tables.ts';
import { calls } from '../call/tables.ts';
import type { TenantReader } from '../context.ts';
import type { Impact } from '../impact.ts';
import { mandates } from '../mandate/tables.ts';
import { findPeople, findPerson, type Lock, type Person } from '../person/store.ts';
import { tenants } from '../tenant/tables.ts';
import { Fault } from '#lib/fault.ts';
import type { FreezeTarget } from './target.ts';

/** The number of mandates and calls that are read individually, whatever the size of the organisation. */
const LOOKED_AT = 1000;
/** The number that is named individually. */
const NAMED = 20;

type PlannedMandate = {
  readonly id: string;
  readonly agentId: string;
  readonly principalId: string;
  readonly scopes: string[];
  readonly state: string;
};

/** What a freeze would affect, by the rows as they are now. */
export interface FreezePlan {
  readonly target: FreezeTarget;
  /** For people: the name of the agent, person or organisation, or the id of the mandate. */
  readonly name: string;
  /** The agent or person that is frozen itself, or null. */
  readonly agent: Agent | null;
  readonly person: Person | null;
  /** Mandates that have not ended, ordered by id; at most 1,000 of them. */
  readonly mandates: readonly PlannedMandate[];
  /** Calls that wait for an approval and will be withdrawn; at most 1,000 of them. */
  readonly waiting: readonly { readonly id: string; readonly summary: string }[];
  readonly counts: {
    readonly mandates: number;
    readonly agents: number;
    readonly principals: number;
    readonly pending_approvals: number;
    /** Whether there may be more than these numbers. */
    readonly at_least: boolean;
  };
  /** Names by id of the agents and principals of the first mandates. */
  readonly names: ReadonlyMap<string, string>;
}

/**
 * Reads what a freeze would affect, with a number of statements that does not depend on the size of the
 * target. With `count` everything is counted. Without it, nothing beyond the first 1,000 is counted, so that
 * counting does not delay the freeze. `lock` locks the person, agent or tenant, but not the mandates and
 * calls. Fault `not_found` for an unknown target.
 */
export async function planFreeze(
  reader: TenantReader,
  target: FreezeTarget,
  how: { readonly lock?: Extract<Lock, 'update'>; readonly count?: true } = {},
): Promise<FreezePlan> {
  const person = target.kind === 'principal' ? await findPerson(reader, target.id, how.lock) : null;
  const agent = target.kind === 'agent' ? await findAgent(reader, target.id, how.lock) : null;
  const name = agent?.name ?? person?.displayName ?? (await otherName(reader, target, how.lock));
  if (name === null) throw new Fault('not_found', `There is no ${target.kind} ${target.id.slice(0, 40)}.`);
  const hit = await mandatesOf(reader, target);
  const waiting = await waitingFor(reader, target, hit);
  const counts = await countsOf(reader, target, { agent, hit, waiting }, how.count === true);
  const some = hit.slice(0, LOOKED_AT);
  return {
    target,
    name,
    agent,
    person,
    mandates: some,
    waiting: waiting.slice(0, LOOKED_AT),
    counts,
    names: await namesOf(reader, some),
  };
}

/** A plan as people see it before and after the freeze: counts, and the names of the first of each. */
export function freezeReport(plan: FreezePlan) {
  const name = (id: string) => plan.names.get(id) ?? id;
  const agentIds = agentsOf(plan);
  return {
    target: plan.target.id,
    kind: plan.target.kind,
    name: plan.name,
    ...plan.counts,
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
    effect: `${plan.name} stops immediately: ${report.at_least ? 'more than ' : ''}${report.mandates} mandates of ${report.principals} people to ${report.agents} agents, ${report.pending_approvals} pending approvals, and ${report.tokens}.`,
    reversible: true,
  };
}

function tokensOf(plan: FreezePlan): string {
  const all = {
    agent: 'every token of the agent',
    principal: 'every token that acts for the person, through an agent or a client,',
    mandate: `every token under ${plan.counts.mandates} mandates`,
    organisation: 'every token of the organisation',
  };
  return `${all[plan.target.kind]} issued before`;
}

const standingNow = (plan: FreezePlan): string =>
  plan.agent?.status ?? (plan.person === null ? 'active' : plan.person.status.toLowerCase());

function agentsOf({ mandates: hit, agent }: Pick<FreezePlan, 'mandates' | 'agent'>): Set<string> {
  return new Set([...hit.map((mandate) => mandate.agentId), ...(agent === null ? [] : [agent.id])]);
}

/**
 * A query for the mandates that have not ended, with the columns of `PlannedMandate`. For a tree, it returns
 * the first rows before it has found all.
 */
function hitBy(reader: TenantReader, target: FreezeTarget): { readonly before: SQL; readonly from: SQL } {
  const open = sql`m.tenant_id = ${reader.tenantId} and m.state in ('active', 'frozen')`;
  if (target.kind === 'organisation') return { before: sql``, from: sql`mandates m where ${open}` };
  const begins = {
    agent: sql`m.agent_id = ${target.id}`,
    principal: sql`m.principal_id = ${target.id}`,
    mandate: sql`m.id = ${target.id}`,
  }[target.kind];
  return {
    before: sql`with recursive tree as (
      select m.id, m.agent_id, m.principal_id, m.scopes, m.state from mandates m where ${open} and ${begins}
      union select m.id, m.agent_id, m.principal_id, m.scopes, m.state from mandates m join tree t on m.parent_id = t.id where ${open})`,
    from: sql`tree m`,
  };
}

/** Reads one more than `LOOKED_AT`, to see whether there are more. */
async function mandatesOf(reader: TenantReader, target: FreezeTarget): Promise<PlannedMandate[]> {
  const { before, from } = hitBy(reader, target);
  const rows = await reader.db.execute<PlannedMandate>(sql`
    ${before} select m.id, m.agent_id as "agentId", m.principal_id as "principalId", m.scopes, m.state from ${from} limit ${LOOKED_AT + 1}`);
  return [...rows].sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** The counts. They are exact if nothing was cut off, or if `count` is true. */
async function countsOf(
  reader: TenantReader,
  target: FreezeTarget,
  seen: {
    readonly agent: Agent | null;
    readonly hit: readonly PlannedMandate[];
    readonly waiting: readonly unknown[];
  },
  count: boolean,
): Promise<FreezePlan['counts']> {
  const { hit, waiting } = seen;
  const more = hit.length > LOOKED_AT || waiting.length > LOOKED_AT;
  if (!more || !count)
    return {
      mandates: Math.min(hit.length, LOOKED_AT),
      agents: agentsOf({ mandates: hit, agent: seen.agent }).size,
      principals: new Set(hit.map((mandate) => mandate.principalId)).size,
      pending_approvals: Math.min(waiting.length, LOOKED_AT),
      at_least: more,
    };
  const { before, from } = hitBy(reader, target);
  const under = sql`${calls.mandateId} in (select m.id from ${from})`;
  const [row] = await reader.db.execute<Omit<FreezePlan['counts'], 'at_least'>>(sql`
    ${before} select count(*)::int as mandates, count(distinct m.agent_id)::int as agents, count(distinct m.principal_id)::int as principals,
      (select count(*)::int from calls where ${waitingOn(reader, target, under)}) as pending_approvals
      from ${from}`);
  if (row === undefined) throw new Error('a count returned no row');
  return { ...row, agents: Math.max(row.agents, seen.agent === null ? 0 : 1), at_least: false };
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

/**
 * The condition for waiting calls that depend on the target. `under` is the condition for calls under its
 * mandates.
 */
const waitingOn = (reader: TenantReader, target: FreezeTarget, under: SQL): SQL => {
  const on = {
    agent: sql`(${under} or ${calls.agentId} = ${target.id} or ${target.id} = any(${calls.targets}))`,
    principal: sql`(${under} or ${calls.principalId} = ${target.id})`,
    mandate: under,
    organisation: sql`true`,
  }[target.kind];
  return sql`${calls.tenantId} = ${reader.tenantId} and ${calls.state} = 'waiting' and ${on}`;
};

async function waitingFor(
  reader: TenantReader,
  target: FreezeTarget,
  hit: readonly PlannedMandate[],
): Promise<{ id: string; summary: string }[]> {
  const ids = hit.map((mandate) => mandate.id);
  return reader.db
    .select({ id: calls.id, summary: calls.summary })
    .from(calls)
    .where(waitingOn(reader, target, sql`${calls.mandateId} = any(${sql.param(ids)}::text[])`))
    .orderBy(asc(calls.id))
    .limit(LOOKED_AT + 1);
}

async function namesOf(
  reader: TenantReader,
  hit: readonly PlannedMandate[],
): Promise<ReadonlyMap<string, string>> {
  const shown = hit.slice(0, NAMED);
  const people = await findPeople(reader, [...new Set(shown.map((one) => one.principalId))]);
  const ids = [...new Set(shown.map((one) => one.agentId))];
  const known =
    ids.length === 0
      ? []
      : await reader.db
          .select({ id: agents.id, name: agents.name })
          .from(agents)
          .where(
            and(eq(agents.tenantId, reader.tenantId), sql`${agents.id} = any(${sql.param(ids)}::text[])`),
          );
  return new Map([
    ...people.map((person) => [person.id, person.displayName] as const),
    ...known.map((agent) => [agent.id, agent.name] as const),
  ]);
}
