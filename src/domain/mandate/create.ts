import { findAgent, type Agent } from '../agent/store.ts';
import type { ReadContext, TenantReader, TenantWriter } from '../context.ts';
import { authorityOf } from '../group/authority.ts';
import { findPerson, type Person } from '../person/store.ts';
import { standingOf } from '../person/standing.ts';
import { theTenant } from '../tenant/store.ts';
import { Fault } from '#lib/fault.ts';
import { newId } from '#lib/id.ts';
import { requireKnownScopes } from '../scope/rules.ts';
import type { AskedTerms, MandateTerms } from './asked.ts';
import { missingScopes } from './rules.ts';
import { scopeProblems } from './scopes.ts';
import { insertMandate } from './store.ts';
import { checkTools, settleTerms } from './terms.ts';
import { count, describeMandate, namesInResources, type InWords } from './words.ts';

/** The queue whose job ends a mandate when its time is over. */
export const EXPIRE_MANDATE = 'expire-mandate';

/** The people and the agent that a mandate depends on. */
export interface Parties {
  readonly principal: Person;
  readonly agent: Agent;
  readonly owner: Person;
}

interface Checked extends Parties {
  readonly terms: MandateTerms;
  readonly inWords: InWords;
  /** Both sentences of `inWords`. */
  readonly summary: string;
}

/**
 * Checks whether the mandate can be given at all: the parties are in good standing, every scope is known and
 * within the principal's authority and the agent's ceiling, every tool exists, and the tenant allows the
 * time. Throws Fault `forbidden` (`detail.missing`), `conflict`, `not_found` or `invalid_input`, and says
 * what to change. If the reader has no `tools`, the named tools are not checked. Does not check whether
 * policy allows the mandate: the caller has decided that.
 */
export async function checkMandate(
  reader: TenantReader & Partial<Pick<ReadContext, 'tools'>>,
  principalId: string | null,
  asked: AskedTerms,
): Promise<Checked> {
  const terms = await settleTerms(reader, principalId, asked);
  const parties = await checkParties(reader, principalId, terms.agent);
  await checkScopes(reader, parties, terms.scopes);
  if (reader.tools !== undefined) checkTools(terms.tools, terms.scopes, reader.tools);
  await checkDays(reader, terms.days);
  const inWords = describeMandate({
    agent: parties.agent.name,
    owner: parties.owner.displayName,
    principal: { id: parties.principal.id, name: parties.principal.displayName },
    scopes: terms.scopes,
    resources: terms.resources,
    tools: terms.tools ?? null,
    amount: terms.amount ?? null,
    currency: terms.currency ?? null,
    window: terms.window ?? null,
    offline: terms.offline ?? false,
    depth: terms.may_delegate ?? 0,
    maxUses: terms.max_uses ?? null,
    lasting: `for ${count(terms.days, 'day')}`,
    names: await namesInResources(reader, terms.resources),
  });
  return { ...parties, terms, inWords, summary: `${inWords.allows} ${inWords.forbids}` };
}

/**
 * Checks that the principal, the agent and its owner are in good standing. Throws Fault `forbidden` or
 * `conflict`.
 */
export async function checkParties(
  reader: TenantReader,
  principalId: string | null,
  agentId: string,
): Promise<Parties> {
  const principal = principalId === null ? null : await findPerson(reader, principalId);
  if (principal === null || standingOf(principal) !== null)
    throw new Fault('forbidden', 'Only active people can give mandates.');
  if (principal.delegationFrozenBy !== null)
    throw new Fault(
      'forbidden',
      'The kill switch froze everything this person delegates. An IT admin can lift the freeze.',
    );
  const agent = await findAgent(reader, agentId);
  if (agent?.status !== 'active')
    throw new Fault(
      'conflict',
      'This agent is disabled or frozen. Its owner or an IT admin can tell you why.',
      {
        field: 'agent',
      },
    );
  const owner = await findPerson(reader, agent.ownerId);
  if (owner === null || standingOf(owner) !== null)
    throw new Fault(
      'conflict',
      `The owner of ${agent.name} is not active. An IT admin must transfer the agent to a new owner first.`,
      { field: 'agent' },
    );
  return { principal, agent, owner };
}

/**
 * Checks that every scope is known here, within the principal's authority now, and within the agent's
 * ceiling. Throws Fault `invalid_input` or `forbidden` (`detail.missing`).
 */
export async function checkScopes(
  reader: TenantReader,
  { principal, agent }: Parties,
  scopes: readonly string[],
): Promise<void> {
  const authority = await authorityOf(reader, principal.id);
  const wrong = await scopeProblems(reader, scopes, authority.roles);
  if (wrong.some(({ problem }) => problem === 'unknown')) await requireKnownScopes(reader, scopes);
  const beyond = [...missingScopes(scopes, authority.scopes), ...wrong.map(({ scope }) => scope)];
  if (beyond.length > 0) {
    const held = authority.scopes.length === 0 ? 'nothing' : authority.scopes.join(', ');
    throw new Fault(
      'forbidden',
      `You cannot delegate ${[...new Set(beyond)].join(', ')} because your groups do not give you these scopes. You can delegate: ${held}.`,
      { field: 'scopes', detail: { missing: { authority: beyond } } },
    );
  }
  const above = missingScopes(scopes, agent.ceiling);
  if (above.length > 0) {
    throw new Fault(
      'forbidden',
      `${agent.name} cannot be given ${above.join(', ')}. Its ceiling is ${agent.ceiling.join(', ') || 'empty'}; an IT admin can raise it.`,
      { field: 'scopes', detail: { missing: { ceiling: above } } },
    );
  }
}

/** Throws Fault `invalid_input` if the tenant does not allow a mandate of that many days. */
export async function checkDays(reader: TenantReader, days: number): Promise<void> {
  const { settings } = await theTenant(reader);
  if (days * 86_400 <= settings.mandateMaxSeconds) return;
  throw new Fault(
    'invalid_input',
    `In this organisation, a mandate can last at most ${Math.floor(settings.mandateMaxSeconds / 86_400)} days.`,
    { detail: { problems: [{ field: 'days', problem: 'too long' }] } },
  );
}

/**
 * Creates the mandate in the caller's transaction and checks the terms there again; faults as in
 * `checkMandate`. The mandate runs from now on for the days that were asked for.
 */
export async function createMandate(
  ctx: TenantWriter,
  principalId: string | null,
  asked: AskedTerms,
  callId: string,
) {
  // Locked until the commit: a change of the agent's keys or owner freezes the mandates that exist, so it
  // must see this one.
  await findAgent(ctx, asked.agent, 'share');
  const { principal, agent, terms, summary } = await checkMandate(ctx, principalId, asked);
  const id = newId('mdt', ctx.now.getTime());
  const expiresAt = new Date(ctx.now.getTime() + terms.days * 86_400_000);
  await insertMandate(ctx, {
    tenantId: ctx.tenantId,
    id,
    principalId: principal.id,
    agentId: agent.id,
    scopes: [...terms.scopes],
    resources: [...terms.resources],
    tools: terms.tools === undefined ? null : [...terms.tools],
    amount: terms.amount === undefined ? null : String(terms.amount),
    currency: terms.currency ?? null,
    window: terms.window ?? null,
    offline: terms.offline ?? false,
    depth: terms.may_delegate ?? 0,
    maxUses: terms.max_uses ?? null,
    purpose: terms.purpose,
    callId,
    startsAt: ctx.now,
    expiresAt,
    createdAt: ctx.now,
  });
  ctx.enqueue(EXPIRE_MANDATE, { mandate: id }, expiresAt);
  const { days: _, agent: __, ...said } = terms;
  ctx.record({
    event: 'MANDATE_CREATED',
    actor: principal.id,
    data: {
      mandate_id: id,
      principal: principal.id,
      agent: agent.id,
      ...said,
      ...(asked.template === undefined ? {} : { template: asked.template }),
      expires_at: expiresAt.toISOString(),
      call_id: callId,
    },
  });
  ctx.emit({ name: 'mandate.created', thing: id });
  return {
    mandate_id: id,
    agent: agent.name,
    scopes: [...terms.scopes],
    resources: [...terms.resources],
    expires_at: expiresAt.toISOString(),
    summary,
  };
}
