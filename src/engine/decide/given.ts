import type { Actor } from '#domain/actor.ts';
import type { TenantReader } from '#domain/context.ts';
import { policyFacts, policyVersion } from '#domain/policy/store.ts';
import type { CatalogueEntry } from '../catalogue.ts';
import { IMPLIED_SCOPE } from '../tool.ts';
import type { PolicyBook } from './policies.ts';
import type { PolicySet } from './policy-set.ts';

/**
 * Whether an agent's token, or what a person granted to their client, lacks the tool's scope. The answer is
 * then no for any input. So it is decided before any name is resolved, and reveals nothing about which names
 * exist.
 */
export function lacksScope({ tool }: Pick<CatalogueEntry, 'tool'>, actor: Actor): boolean {
  if (tool.scope === IMPLIED_SCOPE) return false;
  if (actor.kind === 'agent') return !actor.scopes.includes(tool.scope);
  if (actor.kind === 'service' || actor.through === undefined || tool.only === 'people') return false;
  return !actor.through.scopes.includes(tool.scope);
}

/** The policies in force in the reader's tenant. Throws as `inForce` does. */
export async function policiesOf(
  policies: Pick<PolicyBook, 'inForce'>,
  reader: TenantReader,
): Promise<PolicySet> {
  return policies.inForce(await policyFacts(reader), (version) => policyVersion(reader, version));
}
