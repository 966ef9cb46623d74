import type { AgentActor } from '../actor.ts';
import type { TenantReader } from '../context.ts';
import { boundsOf, withinResources, type Bounds } from './bounds.ts';
import type { Mandate } from './store.ts';

/**
 * What an agent holds with the token that it presents: its mandate, cut to the token's scopes and limits (RFC
 * 9396). Null if nothing is left. Time, uses and depth come from the mandate; a token has none of its own.
 */
export async function heldBy(
  reader: TenantReader,
  actor: AgentActor,
  mandate: Mandate,
): Promise<Bounds | null> {
  const own = boundsOf(mandate);
  const { resources = null, tools = null, amount = null } = actor.details ?? {};
  const held = {
    ...own,
    ...amountOf(own, amount),
    scopes: own.scopes.filter((scope) => actor.scopes.includes(scope)),
    resources: resources === null ? own.resources : await inBoth(reader, own.resources, resources),
    tools:
      tools === null || own.tools === null
        ? (tools ?? own.tools)
        : own.tools.filter((one) => tools.includes(one)),
  };
  const otherMoney = amount !== null && held.currency !== amount.currency;
  const empty = held.scopes.length === 0 || held.resources.length === 0 || held.tools?.length === 0;
  return empty || otherMoney ? null : held;
}

/** The lower of the two limits, or the mandate's if the currencies differ. */
function amountOf(
  own: Bounds,
  limit: { value: string; currency: string } | null,
): Pick<Bounds, 'amount' | 'currency'> {
  if (limit === null) return { amount: own.amount, currency: own.currency };
  if (own.amount === null) return { amount: Number(limit.value), currency: limit.currency };
  return { amount: Math.min(own.amount, Number(limit.value)), currency: own.currency };
}

/** The patterns of each list that lie within the other at this moment. */
async function inBoth(
  reader: TenantReader,
  some: readonly string[],
  others: readonly string[],
): Promise<string[]> {
  const inSome = await withinResources(reader, some, others);
  const inOthers = await withinResources(reader, others, some);
  return [...new Set([...others.filter(inSome), ...some.filter(inOthers)])].sort();
}
