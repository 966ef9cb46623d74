import type { ReadContext } from '../context.ts';
import { authorityOf } from '../group/authority.ts';
import { countMandates, listMandates } from './list.ts';
import { findMandate, type Mandate } from './store.ts';

const STATES = { open: ['active', 'frozen'], all: ['active', 'frozen', 'revoked', 'expired'] } as const;

/** Which mandates to show, and how many. A filter that is left out does not filter. */
export interface MandatePage {
  readonly state: Mandate['state'] | 'open' | 'all';
  readonly agent?: string | undefined;
  readonly principal?: string | undefined;
  readonly limit: number;
  readonly before: string | undefined;
}

/** Those of a page, and how many there are on all of them; null for more than lists count. */
export interface VisibleMandates {
  readonly rows: readonly Mandate[];
  readonly total: number | null;
}

/**
 * The mandates that concern the actor, newest first. A person sees mandates that they gave and those of
 * their agents; IT admins and service keys see all; an agent sees its own mandate. The filters narrow
 * this and never widen it.
 */
export async function visibleMandates(ctx: ReadContext, page: MandatePage): Promise<VisibleMandates> {
  const states = page.state === 'open' || page.state === 'all' ? STATES[page.state] : [page.state];
  const { actor } = ctx;
  if (actor.kind === 'agent') {
    const mandate = await findMandate(ctx, actor.mandateId);
    const fits =
      mandate !== null &&
      page.before === undefined &&
      states.some((state) => state === mandate.state) &&
      (page.agent ?? mandate.agentId) === mandate.agentId &&
      (page.principal ?? mandate.principalId) === mandate.principalId;
    return { rows: fits ? [mandate] : [], total: fits ? 1 : 0 };
  }
  const concerning =
    actor.kind === 'service' || (await authorityOf(ctx, actor.personId)).roles.includes('it_admin')
      ? {}
      : { concerning: actor.personId };
  const filter = {
    states,
    ...(page.agent === undefined ? {} : { agentIds: [page.agent] }),
    ...(page.principal === undefined ? {} : { principalId: page.principal }),
    ...concerning,
  };
  const [rows, total] = await Promise.all([listMandates(ctx, filter, page), countMandates(ctx, filter)]);
  return { rows, total };
}
