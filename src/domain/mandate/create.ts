import { findAgent, type Agent } from '../agent/store.ts';
import type { TenantReader, TenantWriter } from '../context.ts';
import { authorityOf } from '../group/authority.ts';
import { findPeople, findPerson, type Person } from '../person/store.ts';
import { standingOf } from '../person/standing.ts';
import { theTenant } from '../tenant/store.ts';
import { Fault } from '#lib/fault.ts';
import { newId } from '#lib/id.ts';
import { missingScopes } from './rules.ts';
import { insertMandate } from './store.ts';
import { describeMandate } from './words.ts';

/** The queue whose job ends a mandate at its time. */
export const EXPIRE_MANDATE = 'expire-mandate';

/** What a principal asks to give; ids, not names. */
export interface MandateTerms {
  readonly agent: string;
  readonly scopes: readonly string[];
  readonly resources: readonly string[];
  readonly days: number;
  readonly max_uses?: number | undefined;
  readonly purpose: string;
}

interface Checked {
  readonly principal: Person;
  readonly agent: Agent;
  readonly summary: string;
}

/**
 * Whether these terms can stand at all: principal and agent in good standing, every scope within the principal's authority now
 * and the agent's ceiling, no longer than the tenant allows. Throws Fault `forbidden` (`detail.missing`) or `invalid_input` with
 * what to change. Does not ask whether policy allows giving it to this agent: that has been decided.
 */
export async function checkMandate(
  reader: TenantReader,
  principalId: string | null,
  terms: MandateTerms,
): Promise<Checked> {
  const principal = principalId === null ? null : await findPerson(reader, principalId);
  if (principal === null || standingOf(principal) !== null)
    throw new Fault('forbidden', 'Only a person in good standing gives a mandate.');
  const agent = await findAgent(reader, terms.agent);
  if (agent?.status !== 'active')
    throw new Fault('conflict', 'This agent is disabled or frozen; its owner or an IT admin can say why.');
  const owner = await findPerson(reader, agent.ownerId);
  if (owner === null || standingOf(owner) !== null)
    throw new Fault(
      'conflict',
      `The owner of ${agent.name} is not active. An IT admin must give the agent a new owner first.`,
    );

  const authority = await authorityOf(reader, principal.id);
  const beyond = missingScopes(terms.scopes, authority.scopes);
  if (beyond.length > 0) {
    const held = authority.scopes.length === 0 ? 'nothing' : authority.scopes.join(', ');
    throw new Fault(
      'forbidden',
      `You cannot give ${beyond.join(', ')}: your groups do not give it to you. You can give: ${held}.`,
      { detail: { missing: { authority: beyond } } },
    );
  }
  const above = missingScopes(terms.scopes, agent.ceiling);
  if (above.length > 0) {
    throw new Fault(
      'forbidden',
      `${agent.name} may never hold ${above.join(', ')}: its ceiling is ${agent.ceiling.join(', ') || 'empty'}. An IT admin can raise it.`,
      { detail: { missing: { ceiling: above } } },
    );
  }
  const { settings } = await theTenant(reader);
  if (terms.days * 86_400 > settings.mandateMaxSeconds) {
    throw new Fault(
      'invalid_input',
      `A mandate lasts ${Math.floor(settings.mandateMaxSeconds / 86_400)} days at most here.`,
      { detail: { problems: [{ field: 'days', problem: 'too long' }] } },
    );
  }
  const named = terms.resources.flatMap(
    (pattern) => /^(?:person|reports):(usr_.*)$/.exec(pattern)?.[1] ?? [],
  );
  const names = new Map((await findPeople(reader, named)).map((person) => [person.id, person.displayName]));
  const summary = describeMandate({
    ...terms,
    agent: agent.name,
    owner: owner.displayName,
    principal: principal.id,
    names,
  });
  return { principal, agent, summary };
}

/** Makes the mandate, in the caller's transaction; checks the terms again there. It runs from now on, for the days that were asked. */
export async function createMandate(
  ctx: TenantWriter,
  principalId: string | null,
  terms: MandateTerms,
  callId: string,
) {
  const { principal, agent, summary } = await checkMandate(ctx, principalId, terms);
  const id = newId('mdt', ctx.now.getTime());
  const expiresAt = new Date(ctx.now.getTime() + terms.days * 86_400_000);
  const scopes = [...new Set(terms.scopes)].sort();
  await insertMandate(ctx, {
    tenantId: ctx.tenantId,
    id,
    principalId: principal.id,
    agentId: agent.id,
    scopes,
    resources: [...terms.resources],
    maxUses: terms.max_uses ?? null,
    purpose: terms.purpose,
    callId,
    startsAt: ctx.now,
    expiresAt,
    createdAt: ctx.now,
  });
  ctx.enqueue(EXPIRE_MANDATE, { mandate: id }, expiresAt);
  ctx.record({
    event: 'MANDATE_CREATED',
    actor: principal.id,
    data: {
      mandate_id: id,
      principal: principal.id,
      agent: agent.id,
      scopes,
      resources: terms.resources,
      max_uses: terms.max_uses,
      purpose: terms.purpose,
      expires_at: expiresAt.toISOString(),
      call_id: callId,
    },
  });
  ctx.emit({ name: 'mandate.created', thing: id });
  return {
    mandate_id: id,
    agent: agent.name,
    scopes,
    resources: [...terms.resources],
    expires_at: expiresAt.toISOString(),
    summary,
  };
}
