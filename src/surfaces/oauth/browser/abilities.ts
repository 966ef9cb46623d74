import type { Catalogue } from '#engine/catalogue.ts';
import { closedToAgents } from '#engine/decide/not-for-agents.ts';
import type { PolicySet } from '#engine/decide/policy-set.ts';
import { IMPLIED_SCOPE } from '#engine/tool.ts';

/** The scopes that a person's own client may ask for. Each comes with the titles of its tools. */
export type Abilities = ReadonlyMap<string, readonly string[]>;

/**
 * The abilities of every tool that policy does not close to agents and clients, by scope, in the catalogue's
 * order. So a person is never asked to grant what a client could not use.
 */
export function abilitiesOf(catalogue: Catalogue, policies: Pick<PolicySet, 'forTool'>): Abilities {
  const abilities = new Map<string, string[]>();
  for (const entry of catalogue.all) {
    const { scope, title } = entry.tool;
    if (scope === IMPLIED_SCOPE || closedToAgents(policies, entry)) continue;
    abilities.set(scope, [...(abilities.get(scope) ?? []), title]);
  }
  return abilities;
}

/** The scopes of tools that only read or look, for a client that names no scope. */
export const lookingScopes = (catalogue: Catalogue): string[] => [
  ...new Set(
    catalogue.all
      .filter(({ tool }) => tool.effects === 'read' || tool.effects === 'look')
      .filter(({ tool }) => tool.only !== 'people' && tool.scope !== IMPLIED_SCOPE)
      .map(({ tool }) => tool.scope),
  ),
];

/** A sentence per scope: `Find user (okta.users.read)`. Leaves out scopes that no tool has. */
export const inWords = (
  abilities: Abilities,
  scopes: readonly string[],
): { readonly scope: string; readonly words: string }[] =>
  scopes.flatMap((scope) => {
    const titles = abilities.get(scope);
    return titles === undefined ? [] : [{ scope, words: `${titles.join(', ')} (${scope})` }];
  });

/** What every client can do for the person who signed in to it. */
export const ALWAYS = 'See your profile, and the mandates, agents and approvals that you can see';
