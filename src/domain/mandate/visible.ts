import type { ReadContext } from '../context.ts';
import { authorityOf } from '../group/authority.ts';
import { findMandate, listMandates, type Mandate } from './store.ts';

const STATES = { open: ['active', 'frozen'], all: ['active', 'frozen', 'revoked', 'expired'] } as const;

/** Mandates that concern the actor, newest first: their own and their agents', all of them for IT admins and service keys, an agent's own one. */
export async function visibleMandates(
  ctx: ReadContext,
  page: { state: Mandate['state'] | 'open' | 'all'; limit: number; before: string | undefined },
): Promise<Mandate[]> {
  const states = page.state === 'open' || page.state === 'all' ? STATES[page.state] : [page.state];
  const { actor } = ctx;
  if (actor.kind === 'agent') {
    const mandate = await findMandate(ctx, actor.mandateId);
    return mandate !== null && page.before === undefined && states.some((state) => state === mandate.state)
      ? [mandate]
      : [];
  }
  const concerning =
    actor.kind === 'service' || (await authorityOf(ctx, actor.personId)).roles.includes('it_admin')
      ? {}
      : { concerning: actor.personId };
  return listMandates(ctx, {
    states,
    limit: page.limit,
    ...(page.before === undefined ? {} : { before: page.before }),
    ...concerning,
  });
}
