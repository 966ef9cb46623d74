import type { TenantReader } from '../context.ts';
import { Fault } from '#lib/fault.ts';
import { widerFields, withinResources, type Bounds } from './bounds.ts';
import type { Narrowing } from './narrow.ts';
import type { AskedTerms, MandateTerms } from './asked.ts';
import { settleTerms } from './terms.ts';

/**
 * The full terms of a requested mandate after it was made smaller, with no reference to a template. Resources
 * are patterns from the request, or `person:<id>` of someone whom those patterns cover now. Throws Fault
 * `invalid_input` if a field would become wider (that needs a new request), and `conflict` if nothing would
 * change. Does not check whether anyone may give the rest.
 */
export async function narrowedTerms(
  reader: TenantReader,
  principalId: string | null,
  asked: AskedTerms,
  narrowing: Narrowing,
): Promise<Record<string, unknown>> {
  const old = await settleTerms(reader, principalId, asked);
  const said = Object.fromEntries(Object.entries(narrowing).filter(([, value]) => value !== undefined));
  const terms = await settleTerms(reader, principalId, { ...old, ...(said as Narrowing) });
  const [inner, outer] = [boundsOfTerms(terms, reader.now), boundsOfTerms(old, reader.now)];
  const fields = widerFields(inner, outer, await withinResources(reader, old.resources, terms.resources));
  if (inner.depth > outer.depth) fields.push('may_delegate');
  if (fields.length > 0)
    throw new Fault(
      'invalid_input',
      `${fields.join(', ')} would exceed the request. You can only reduce the terms; wider terms need a new request.`,
      { detail: { problems: fields.map((field) => ({ field, problem: 'exceeds the request' })) } },
    );
  if (JSON.stringify(inner) === JSON.stringify(outer))
    throw new Fault('conflict', 'Nothing would change. Choose what to reduce.');
  return Object.fromEntries(Object.entries(terms).filter(([, value]) => value !== undefined));
}

const boundsOfTerms = (terms: MandateTerms, now: Date): Bounds => ({
  scopes: terms.scopes,
  resources: terms.resources,
  tools: terms.tools ?? null,
  amount: terms.amount ?? null,
  currency: terms.currency ?? null,
  window: terms.window ?? null,
  maxUses: terms.max_uses ?? null,
  expiresAt: new Date(now.getTime() + terms.days * 86_400_000),
  offline: terms.offline ?? false,
  depth: terms.may_delegate ?? 0,
});
