import type { Catalogue, CatalogueEntry } from '../catalogue.ts';

// Families whose changes decide who may do what from then on.
const GOVERNANCE: ReadonlySet<string> = new Set([
  'policy',
  'scope',
  'group',
  'provider',
  'resource',
  'spiffe',
  'break-glass',
  'api-key',
  'signing-key',
]);

/** Whether the tool changes the rules about who may do what. */
export const governs = ({ tool, family }: CatalogueEntry): boolean => changes(tool) && GOVERNANCE.has(family);

const changes = (tool: CatalogueEntry['tool']): boolean => tool.effects === 'write' || tool.effects === 'act';

/**
 * The action groups of a tool: its family, whether it changes something, its danger, `governance` for changes
 * of the rules, and `loosens` for tools that return what was taken away.
 */
export function actionParents(entry: CatalogueEntry): string[] {
  const { tool, family } = entry;
  return [
    family,
    changes(tool) ? 'changes' : 'reads',
    ...('danger' in tool ? [tool.danger] : []),
    ...(governs(entry) ? ['governance'] : []),
    ...(tool.loosens === true ? ['loosens'] : []),
  ];
}

/**
 * The Cedar schema that follows from the catalogue: every tool is an action, in the groups of
 * `actionParents`. Policies are validated against it when they are loaded, not at every request. Source:
 * docs.cedarpolicy.com/schema.
 */
export function cedarSchema(catalogue: Catalogue): string {
  const groups = [...new Set(['governance', 'loosens', ...catalogue.all.flatMap(actionParents)])].sort();
  const actions = catalogue.all.map(
    (entry) =>
      `action "${entry.tool.name}" in [${actionParents(entry)
        .map((group) => `"${group}"`)
        .join(
          ', ',
        )}] appliesTo { principal: [Person, Service], resource: [Person, Agent, Mandate, Approval, Tenant], context: Asked };`,
  );
  return [
    'entity Tenant;',
    'entity Person = { roles: Set<String>, scopes: Set<String>, privileged: String, manager?: Person };',
    'entity Service = { tools: Set<String> };',
    'entity Agent = { owner: Person, owner_manager?: Person };',
    'entity Mandate = { principal: Person, agent: Agent, agent_owner: Person, principal_manager?: Person, agent_owner_manager?: Person };',
    'entity Approval = { principal?: Person };',
    'type Asked = { tool: String, scope: String, surface: String, through_agent: Bool, high_value: Bool, single_admin: Bool, by_token: Bool, own_portal: Bool, now?: datetime };',
    ...groups.map((group) => `action "${group}";`),
    ...actions,
  ].join('\n');
}
