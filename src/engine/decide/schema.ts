import type { Catalogue, CatalogueEntry } from '../catalogue.ts';

/** The action groups of a tool: its family, whether it changes something, and how dangerous it is. */
export function actionParents({ tool, family }: CatalogueEntry): string[] {
  const changes = tool.effects === 'write' || tool.effects === 'act';
  return [family, changes ? 'changes' : 'reads', ...('danger' in tool ? [tool.danger] : [])];
}

/**
 * The Cedar schema that follows from the catalogue: every tool is an action, in the groups of `actionParents`; policies are
 * validated against it when they are loaded, not at every request. Source: Cedar's schema language, docs.cedarpolicy.com/schema.
 */
export function cedarSchema(catalogue: Catalogue): string {
  const groups = [...new Set(catalogue.all.flatMap(actionParents))].sort();
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
    'entity Mandate = { principal: Person, agent: Agent, agent_owner: Person, principal_manager?: Person };',
    'entity Approval = { principal?: Person };',
    'type Asked = { tool: String, scope: String, surface: String, through_agent: Bool };',
    ...groups.map((group) => `action "${group}";`),
    ...actions,
  ].join('\n');
}
