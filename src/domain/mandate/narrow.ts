import type { ReadContext, TenantReader, TenantWriter } from '../context.ts';
import { Fault } from '#lib/fault.ts';
import { boundsOf, clamped, widerFields, withinResources, type Bounds } from './bounds.ts';
import { EXPIRE_MANDATE } from './create.ts';
import { rowOf } from './delegate.ts';
import { revokeMandateTree } from './revoke.ts';
import { bumpEpoch, findMandate, openMandateTree, updateMandate, type Mandate } from './store.ts';
import { checkTools } from './terms.ts';
import type { MandateWindow } from './window.ts';

/** What should become smaller. A field that is left out stays as it is. */
export interface Narrowing {
  readonly scopes?: readonly string[] | undefined;
  readonly resources?: readonly string[] | undefined;
  readonly tools?: readonly string[] | undefined;
  readonly amount?: number | undefined;
  readonly currency?: string | undefined;
  readonly window?: MandateWindow | undefined;
  readonly max_uses?: number | undefined;
  /** Counted from now. */
  readonly days?: number | undefined;
  readonly may_delegate?: number | undefined;
  readonly offline?: false | undefined;
}

/**
 * The bounds as they would be. Throws Fault `not_found`, `conflict` (the mandate has ended, or nothing would
 * change) or `invalid_input` (a field would become wider, which needs a new mandate; or a value does not
 * fit).
 */
export async function checkNarrowing(
  reader: TenantReader & Partial<Pick<ReadContext, 'tools'>>,
  mandateId: string,
  asked: Narrowing,
): Promise<{ readonly mandate: Mandate; readonly bounds: Bounds }> {
  const mandate = await findMandate(reader, mandateId);
  if (mandate === null) throw new Fault('not_found', 'Mandate not found.');
  if (mandate.state === 'revoked' || mandate.state === 'expired' || mandate.expiresAt <= reader.now)
    throw new Fault('conflict', 'This mandate has already ended.');
  const old = boundsOf(mandate);
  const bounds = boundsAsked(old, asked, reader.now);
  const within = await withinResources(reader, old.resources, bounds.resources);
  const fields = widerFields(bounds, old, within);
  if (bounds.depth > old.depth) fields.push('may_delegate');
  if (fields.length > 0)
    throw new Fault(
      'invalid_input',
      `${fields.join(', ')} would become wider. Give a new mandate instead, and revoke this one if you no longer need it.`,
      {
        detail: {
          problems: fields.map((field) => ({
            field,
            problem: 'would become wider; give a new mandate instead',
          })),
        },
      },
    );
  if (bounds.maxUses !== null && bounds.maxUses <= mandate.uses)
    throw new Fault(
      'invalid_input',
      `This mandate has already been used ${mandate.uses === 1 ? 'once' : `${mandate.uses} times`}. Revoke it instead.`,
      {
        detail: { problems: [{ field: 'max_uses', problem: 'already spent' }] },
      },
    );
  if ((bounds.amount === null) !== (bounds.currency === null))
    throw new Fault('invalid_input', 'Set amount and currency together.', {
      detail: { problems: [{ field: 'currency', problem: 'is required' }] },
    });
  if (JSON.stringify(bounds) === JSON.stringify(old))
    throw new Fault('conflict', 'Nothing would change. Choose what to reduce.');
  if (reader.tools !== undefined) checkTools(asked.tools, bounds.scopes, reader.tools);
  return { mandate, bounds };
}

/**
 * Narrows the mandate in the caller's transaction. Tokens that were issued before stop working. Mandates
 * below are cut to what is left, and revoked where nothing is left. Returns the ids of those that keep
 * working and of those that were revoked. Faults as in `checkNarrowing`.
 */
export async function narrowMandate(
  ctx: TenantWriter,
  mandateId: string,
  asked: Narrowing,
  actor: string,
): Promise<{ narrowed: string[]; revoked: string[]; expiresAt: Date }> {
  const tree = await openMandateTree(ctx, mandateId);
  const { mandate, bounds } = await checkNarrowing(ctx, mandateId, asked);
  const now = new Map([[mandateId, bounds]]);
  const revoked: string[] = [];
  await save(ctx, mandate, bounds, actor);
  for (const child of tree) {
    const above = child.parentId === null ? undefined : now.get(child.parentId);
    if (above === undefined || child.id === mandateId) continue;
    const old = boundsOf(child);
    const within = await withinResources(ctx, above.resources, old.resources);
    const left = clamped(old, above, within);
    const spent = left?.maxUses != null && left.maxUses <= child.uses;
    if (left === null || spent) {
      const reason = 'Nothing is left of it because its parent mandate was narrowed';
      revoked.push(...(await revokeMandateTree(ctx, child.id, { actor, reason })).map((one) => one.id));
      continue;
    }
    now.set(child.id, left);
    if (JSON.stringify(left) !== JSON.stringify(old)) await save(ctx, child, left, actor);
  }
  const narrowed = [...now.keys()];
  await bumpEpoch(ctx, narrowed);
  return { narrowed, revoked, expiresAt: bounds.expiresAt };
}

async function save(ctx: TenantWriter, mandate: Mandate, bounds: Bounds, actor: string): Promise<void> {
  const row = rowOf(bounds);
  await updateMandate(ctx, mandate.id, row);
  if (bounds.expiresAt < mandate.expiresAt)
    ctx.enqueue(EXPIRE_MANDATE, { mandate: mandate.id }, bounds.expiresAt);
  ctx.record({
    event: 'MANDATE_NARROWED',
    actor,
    data: {
      mandate_id: mandate.id,
      principal: mandate.principalId,
      agent: mandate.agentId,
      from: { ...rowOf(boundsOf(mandate)), expiresAt: mandate.expiresAt.toISOString() },
      to: { ...row, expiresAt: bounds.expiresAt.toISOString() },
    },
  });
  ctx.emit({ name: 'mandate.changed', thing: mandate.id });
}

const boundsAsked = (old: Bounds, asked: Narrowing, now: Date): Bounds => ({
  scopes: asked.scopes === undefined ? old.scopes : [...new Set(asked.scopes)].sort(),
  resources: asked.resources === undefined ? old.resources : [...new Set(asked.resources)].sort(),
  tools: asked.tools ?? old.tools,
  amount: asked.amount ?? old.amount,
  currency: asked.currency ?? old.currency,
  window: asked.window ?? old.window,
  maxUses: asked.max_uses ?? old.maxUses,
  expiresAt: asked.days === undefined ? old.expiresAt : new Date(now.getTime() + asked.days * 86_400_000),
  offline: asked.offline ?? old.offline,
  depth: asked.may_delegate ?? old.depth,
});
