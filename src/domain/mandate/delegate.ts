import type { AgentActor } from '../actor.ts';
import type { ReadContext, TenantReader, TenantWriter } from '../context.ts';
import { Fault } from '#lib/fault.ts';
import { newId } from '#lib/id.ts';
import { boundsOf, widerFields, withinResources, type Bounds } from './bounds.ts';
import { checkParties, checkScopes, EXPIRE_MANDATE, type Parties } from './create.ts';
import { heldBy } from './held.ts';
import { windowDenial } from './rules.ts';
import { findMandate, insertMandate, mandateChain, type Mandate } from './store.ts';
import { checkTools } from './terms.ts';
import type { MandateWindow } from './window.ts';
import { describeMandate, namesInResources, untilWords } from './words.ts';

/** The greatest number of levels below a mandate that a person gave. */
export const MAX_DEPTH = 3;

/** What an agent asks to hand on. A field that is left out is taken from the parent. */
export interface HandOn {
  readonly agent: string;
  readonly scopes?: readonly string[] | undefined;
  readonly resources?: readonly string[] | undefined;
  readonly tools?: readonly string[] | undefined;
  readonly amount?: number | undefined;
  readonly currency?: string | undefined;
  readonly window?: MandateWindow | undefined;
  readonly max_uses?: number | undefined;
  readonly days?: number | undefined;
  readonly may_delegate?: number | undefined;
  readonly purpose: string;
}

interface Checked extends Parties {
  readonly parent: Mandate;
  /** Ids of the parent and of the mandates above it. */
  readonly chain: readonly string[];
  readonly bounds: Bounds;
  readonly summary: string;
}

/**
 * Checks whether an agent may hand this on now: its mandate allows another level, its window is open, and the
 * child is in every respect a part of the mandate and of what the agent's token allows. Throws Fault
 * `forbidden`, `conflict` or `invalid_input`, naming the field that is too wide. Does not check whether the
 * parent mandate is in force: the caller has decided that.
 */
export async function checkHandOn(
  reader: TenantReader & Partial<Pick<ReadContext, 'tools'>>,
  actor: AgentActor,
  asked: HandOn,
): Promise<Checked> {
  const parent = await findMandate(reader, actor.mandateId);
  const chain = await mandateChain(reader, actor.mandateId);
  if (parent === null || parent.depth < 1 || chain.length > MAX_DEPTH)
    throw new Fault(
      'forbidden',
      'This mandate does not allow delegation. Ask the principal for one with may_delegate.',
      { detail: { missing: { mandate: { may_delegate: 1 } } } },
    );
  if (asked.agent === parent.agentId)
    throw new Fault('conflict', 'You cannot delegate a mandate to yourself. Choose another agent.');
  const closed = windowDenial(parent.window, reader.now);
  if (closed !== null) throw new Fault('forbidden', closed.message, { detail: { missing: closed.missing } });
  const held = await heldBy(reader, actor, parent);
  if (held === null)
    throw new Fault(
      'forbidden',
      'The limits of your token leave nothing of the mandate to delegate. Exchange again without them.',
    );
  const bounds = boundsAsked(asked, held, parent.uses, reader.now);
  if (bounds.scopes.length === 0) throw wider(['scopes']);
  // The bounds are compared with both, so that this check does not depend on `heldBy` having cut them
  // correctly.
  const fields = new Set<string>();
  for (const outer of [boundsOf(parent), held]) {
    const within = await withinResources(reader, outer.resources, bounds.resources);
    for (const field of widerFields(bounds, outer, within)) fields.add(field);
  }
  if (bounds.depth > parent.depth - 1) fields.add('may_delegate');
  if (fields.size > 0) throw wider([...fields]);
  const parties = await checkParties(reader, parent.principalId, asked.agent);
  await checkScopes(reader, parties, bounds.scopes);
  if (reader.tools !== undefined) checkTools(asked.tools, bounds.scopes, reader.tools);
  const { allows, forbids } = describeMandate({
    ...bounds,
    agent: parties.agent.name,
    owner: parties.owner.displayName,
    principal: { id: parties.principal.id, name: parties.principal.displayName },
    lasting: untilWords(bounds.expiresAt),
    names: await namesInResources(reader, bounds.resources),
  });
  return { ...parties, parent, chain, bounds, summary: `${allows} ${forbids}` };
}

/**
 * Creates the child mandate in the caller's transaction, which has locked the parent. Checks again there;
 * faults as in `checkHandOn`.
 */
export async function handOn(ctx: TenantWriter, actor: AgentActor, asked: HandOn, callId: string) {
  const { principal, agent, parent, chain, bounds, summary } = await checkHandOn(ctx, actor, asked);
  const id = newId('mdt', ctx.now.getTime());
  await insertMandate(ctx, {
    ...rowOf(bounds),
    tenantId: ctx.tenantId,
    id,
    principalId: principal.id,
    agentId: agent.id,
    parentId: parent.id,
    purpose: asked.purpose,
    callId,
    startsAt: ctx.now,
    createdAt: ctx.now,
  });
  ctx.enqueue(EXPIRE_MANDATE, { mandate: id }, bounds.expiresAt);
  ctx.record({
    event: 'MANDATE_CREATED',
    actor: `${actor.agentId} for ${actor.personId}`,
    data: {
      mandate_id: id,
      parent_id: parent.id,
      chain,
      principal: principal.id,
      agent: agent.id,
      ...rowOf(bounds),
      expiresAt: undefined,
      expires_at: bounds.expiresAt.toISOString(),
      purpose: asked.purpose,
      call_id: callId,
    },
  });
  ctx.emit({ name: 'mandate.created', thing: id });
  return {
    mandate_id: id,
    parent_id: parent.id,
    agent: agent.name,
    scopes: [...bounds.scopes],
    resources: [...bounds.resources],
    expires_at: bounds.expiresAt.toISOString(),
    summary,
  };
}

/** The bounds as table columns. */
export const rowOf = (bounds: Bounds) => ({
  scopes: [...bounds.scopes],
  resources: [...bounds.resources],
  tools: bounds.tools === null ? null : [...bounds.tools],
  amount: bounds.amount === null ? null : String(bounds.amount),
  currency: bounds.currency,
  window: bounds.window,
  maxUses: bounds.maxUses,
  expiresAt: bounds.expiresAt,
  offline: bounds.offline,
  depth: bounds.depth,
});

function boundsAsked(asked: HandOn, held: Bounds, spent: number, now: Date): Bounds {
  return {
    scopes: [...new Set(asked.scopes ?? held.scopes)].sort(),
    resources: [...new Set(asked.resources ?? held.resources)].sort(),
    tools: asked.tools ?? held.tools,
    amount: asked.amount ?? held.amount,
    currency: asked.currency ?? held.currency,
    window: asked.window ?? held.window,
    maxUses: asked.max_uses ?? (held.maxUses === null ? null : held.maxUses - spent),
    expiresAt: asked.days === undefined ? held.expiresAt : new Date(now.getTime() + asked.days * 86_400_000),
    offline: held.offline,
    depth: asked.may_delegate ?? held.depth - 1,
  };
}

const wider = (fields: readonly string[]): Fault =>
  new Fault(
    'forbidden',
    `You can delegate only part of your mandate: ${fields.join(', ')} ${fields.length === 1 ? 'exceeds' : 'exceed'} it. Reduce ${fields.length === 1 ? 'it' : 'them'}, or omit ${fields.length === 1 ? 'it' : 'them'} to delegate what you have.`,
    {
      detail: {
        missing: { mandate: fields },
        problems: fields.map((field) => ({ field, problem: 'exceeds your mandate' })),
      },
    },
  );
