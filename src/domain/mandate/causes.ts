import { and, eq, inArray, sql } from 'drizzle-orm';
import type { TenantWriter } from '../context.ts';
import { PARENT_FROZEN } from './freeze.ts';
import { freezeMandates, type Mandate } from './store.ts';
import { mandates } from './tables.ts';
import { lift } from './thaw.ts';
import { openTrees } from './trees.ts';

/** Somebody else changed the agent's keys, their address, or its owner: each principal confirms, or does not. */
export const CREDENTIALS_CHANGED = 'credentials_changed';
/** The agent's owner is gone; the next owner's coming lifts it, and leaves `credentials_changed` behind. */
export const OWNER_LEFT = 'owner_left';
/** The kill switch; one cause for each thing that was frozen, so that lifting one freeze leaves the others. */
export const adminCause = (target: string): string => `admin:${target}`;

/** Adds a cause to mandates and freezes them, one `MANDATE_FROZEN` each. The rows must be locked. */
export async function freezeFor(
  ctx: TenantWriter,
  hit: readonly Mandate[],
  cause: string,
  actor: string,
): Promise<void> {
  await freezeMandates(
    ctx,
    hit.map((mandate) => mandate.id),
    cause,
  );
  for (const mandate of hit) {
    ctx.record({
      event: 'MANDATE_FROZEN',
      actor,
      data: { mandate_id: mandate.id, principal: mandate.principalId, agent: mandate.agentId, cause },
    });
    ctx.emit({ name: 'mandate.frozen', thing: mandate.id });
  }
}

/** The same for what stands alone: the mandates below them freeze because those above do (`parent_frozen`), and thaw with them. */
export async function freezeWithBelow(
  ctx: TenantWriter,
  hit: readonly Mandate[],
  cause: string,
  actor: string,
): Promise<Mandate[]> {
  const roots = new Set(hit.map((mandate) => mandate.id));
  const tree = await openTrees(ctx, { mandateIds: [...roots] }, 'update');
  const below = tree.filter((mandate) => !roots.has(mandate.id));
  await freezeFor(ctx, hit, cause, actor);
  await freezeFor(ctx, below, PARENT_FROZEN, actor);
  return [...hit, ...below];
}

/**
 * Lifts one cause from mandates and nothing else: those left without any are active again, the others say what still holds them.
 * Epochs rise, so tokens from before the freeze stay dead; nothing that has ended comes back. The rows must be locked. Returns the thawed ids.
 */
export async function liftFrom(
  ctx: TenantWriter,
  held: readonly Mandate[],
  cause: string,
  actor: string,
): Promise<string[]> {
  const ids = held.map((mandate) => mandate.id);
  if (ids.length === 0) return [];
  const thawed = await lift(ctx, ids, cause, actor);
  await ctx.db
    .update(mandates)
    .set({
      reason: sql`(select min(f.cause) from mandate_freezes f where f.tenant_id = ${ctx.tenantId} and f.mandate_id = ${mandates.id})`,
    })
    .where(and(eq(mandates.tenantId, ctx.tenantId), inArray(mandates.id, ids), eq(mandates.state, 'frozen')));
  return thawed;
}
