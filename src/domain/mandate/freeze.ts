import type { TenantWriter } from '../context.ts';
import { Fault } from '#lib/fault.ts';
import { freezeMandates, openMandateTree, type Mandate } from './store.ts';

/** The cause of what is below a mandate that was frozen; it goes when the mandate above works again. */
export const PARENT_FROZEN = 'parent_frozen';

/** The causes that people set by hand: `principal` by the one who gave it, `admin` by everybody else who may. */
export type HandCause = 'principal' | 'admin';

/**
 * Which cause somebody sets, and lifts: the principal their own, others theirs. So the principal cannot undo a freeze that others
 * made, nor they the principal's.
 */
export const handCause = (mandate: Pick<Mandate, 'principalId'>, personId: string | null): HandCause =>
  mandate.principalId === personId ? 'principal' : 'admin';

/**
 * Freezes a mandate for a cause, and everything below it as `parent_frozen`: at once, tokens too. Returns those that are open;
 * freezing for a cause that stands already changes nothing more. Throws Fault `conflict` where it has ended.
 */
export async function freezeMandateTree(
  ctx: TenantWriter,
  mandateId: string,
  cause: string,
  by: { readonly actor: string; readonly reason: string },
): Promise<Mandate[]> {
  const tree = await openMandateTree(ctx, mandateId);
  const root = tree.find((mandate) => mandate.id === mandateId);
  if (root === undefined) throw new Fault('conflict', 'This mandate has ended already.');
  const below = tree.filter((mandate) => mandate !== root);
  await freezeMandates(ctx, [root.id], cause);
  await freezeMandates(
    ctx,
    below.map((mandate) => mandate.id),
    PARENT_FROZEN,
  );
  for (const mandate of tree) {
    ctx.record({
      event: 'MANDATE_FROZEN',
      actor: by.actor,
      data: {
        mandate_id: mandate.id,
        principal: mandate.principalId,
        agent: mandate.agentId,
        cause: mandate === root ? cause : PARENT_FROZEN,
        reason: by.reason,
      },
    });
    ctx.emit({ name: 'mandate.frozen', thing: mandate.id });
  }
  return tree;
}
