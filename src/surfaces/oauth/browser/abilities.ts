import type { Catalogue } from '#engine/catalogue.ts';
import { IMPLIED_SCOPE } from '#engine/tool.ts';

/** Scopes that a person's own client may ask for, each with what it lets the client do, in words. */
export type Abilities = ReadonlyMap<string, readonly string[]>;

/** What no client does for a person, whatever they would let it have: their organisation's governance (design/domain.md, "Actors"). */
const GOVERNANCE: ReadonlySet<string> = new Set([
  'account',
  'agent',
  'approval',
  'breaker',
  'freeze',
  'group',
  'mandate',
  'policy',
  'provider',
  'scope',
]);

/** Of every tool that is not for people only and governs nothing, by its scope, in the catalogue's order. */
export function abilitiesOf(catalogue: Catalogue): Abilities {
  const abilities = new Map<string, string[]>();
  for (const { tool, family } of catalogue.all) {
    const changes = tool.effects === 'write' || tool.effects === 'act';
    if (tool.only === 'people' || tool.scope === IMPLIED_SCOPE || (changes && GOVERNANCE.has(family)))
      continue;
    abilities.set(tool.scope, [...(abilities.get(tool.scope) ?? []), tool.title]);
  }
  return abilities;
}

/** Scopes of tools that only look, for a client that names none. */
export const lookingScopes = (catalogue: Catalogue): string[] => [
  ...new Set(
    catalogue.all
      .filter(({ tool }) => tool.effects === 'read' || tool.effects === 'look')
      .filter(({ tool }) => tool.only !== 'people' && tool.scope !== IMPLIED_SCOPE)
      .map(({ tool }) => tool.scope),
  ),
];

/** One sentence for each scope: `Find user (okta.users.read)`. Scopes that no tool has are left out. */
export const inWords = (abilities: Abilities, scopes: readonly string[]): string[] =>
  scopes.flatMap((scope) => {
    const titles = abilities.get(scope);
    return titles === undefined ? [] : [`${titles.join(', ')} (${scope})`];
  });

/** What every client can do for the person who signed in to it. */
export const ALWAYS = 'See the mandates, agents and approvals that you can see, and who you are';
