import type { TenantReader } from '../context.ts';
import { groupsOf } from '../group/store.ts';
import { findPeople } from '../person/store.ts';
import { covers } from './resources.ts';
import type { Mandate } from './store.ts';
import { windowWithin, type MandateWindow } from './window.ts';

/** The limits of a mandate. Null means no limit. */
export interface Bounds {
  readonly scopes: readonly string[];
  readonly resources: readonly string[];
  readonly tools: readonly string[] | null;
  readonly amount: number | null;
  readonly currency: string | null;
  readonly window: MandateWindow | null;
  readonly maxUses: number | null;
  readonly expiresAt: Date;
  readonly offline: boolean;
  readonly depth: number;
}

/** The bounds of a mandate as it is saved. */
export const boundsOf = (mandate: Mandate): Bounds => ({
  scopes: mandate.scopes,
  resources: mandate.resources,
  tools: mandate.tools,
  amount: mandate.amount === null ? null : Number(mandate.amount),
  currency: mandate.currency,
  window: mandate.window,
  maxUses: mandate.maxUses,
  expiresAt: mandate.expiresAt,
  offline: mandate.offline,
  depth: mandate.depth,
});

/** Whether a pattern lies within a given set of patterns at this moment. */
export type Within = (pattern: string) => boolean;

/**
 * Names of the fields in which `inner` is wider than `outer`; an empty list means that `inner` is a part
 * of `outer`. Does not compare `depth`, because only the caller knows whether one level less is required.
 * If the fields alone do not prove that a value is narrower, it counts as wider.
 */
export function widerFields(inner: Bounds, outer: Bounds, within: Within): string[] {
  const part = (some: readonly string[] | null, all: readonly string[] | null) =>
    all === null || (some?.every((one) => all.includes(one)) ?? false);
  const checks = {
    scopes: part(inner.scopes, outer.scopes),
    resources: inner.resources.every(within),
    tools: part(inner.tools, outer.tools),
    amount:
      outer.amount === null ||
      (inner.amount !== null && inner.amount <= outer.amount && inner.currency === outer.currency),
    window: outer.window === null || (inner.window !== null && windowWithin(inner.window, outer.window)),
    max_uses: outer.maxUses === null || (inner.maxUses !== null && inner.maxUses <= outer.maxUses),
    days: inner.expiresAt <= outer.expiresAt,
    offline: !inner.offline || outer.offline,
  };
  return Object.entries(checks).flatMap(([field, fits]) => (fits ? [] : [field]));
}

/**
 * What is left of a mandate after the mandate above it became narrower. Null if nothing is left: no scope,
 * no resource or no tool in common, another currency, windows that cannot be compared, or a mandate above
 * that can no longer be handed on.
 */
export function clamped(inner: Bounds, outer: Bounds, within: Within): Bounds | null {
  const both = (some: readonly string[] | null, all: readonly string[] | null) =>
    some === null || all === null ? (some ?? all) : some.filter((one) => all.includes(one));
  const least = (one: number | null, other: number | null) =>
    one === null || other === null ? (one ?? other) : Math.min(one, other);
  if (inner.currency !== null && outer.currency !== null && inner.currency !== outer.currency) return null;
  const window = clampedWindow(inner.window, outer.window);
  if (window === undefined || outer.depth === 0) return null;
  const left = {
    scopes: both(inner.scopes, outer.scopes) ?? [],
    resources: inner.resources.filter(within),
    tools: both(inner.tools, outer.tools),
    amount: least(inner.amount, outer.amount),
    currency: inner.currency ?? outer.currency,
    window,
    maxUses: least(inner.maxUses, outer.maxUses),
    expiresAt: inner.expiresAt < outer.expiresAt ? inner.expiresAt : outer.expiresAt,
    offline: inner.offline && outer.offline,
    depth: Math.min(inner.depth, outer.depth - 1),
  };
  return left.scopes.length === 0 || left.resources.length === 0 || left.tools?.length === 0 ? null : left;
}

function clampedWindow(
  inner: MandateWindow | null,
  outer: MandateWindow | null,
): MandateWindow | null | undefined {
  if (outer === null || (inner !== null && windowWithin(inner, outer))) return inner;
  if (inner === null || windowWithin(outer, inner)) return outer;
  return undefined;
}

/**
 * Finds which of the `asked` patterns lie within `outer` now: the same pattern, any pattern if `outer`
 * contains `*`, and a person whom `outer` covers at this moment. A person may leave the team later; each
 * use of the mandate checks every mandate in its chain again.
 */
export async function withinResources(
  reader: TenantReader,
  outer: readonly string[],
  asked: readonly string[],
): Promise<Within> {
  if (outer.includes('*')) return () => true;
  const strangers = asked.filter((pattern) => pattern.startsWith('person:') && !outer.includes(pattern));
  const people = await findPeople(
    reader,
    strangers.map((pattern) => pattern.slice('person:'.length)),
  );
  const covered = new Set<string>(outer);
  for (const person of people) {
    const coverable = { ...person, groupIds: await groupsOf(reader, person.id) };
    if (covers(outer, coverable)) covered.add(`person:${person.id}`);
  }
  return (pattern) => covered.has(pattern);
}
