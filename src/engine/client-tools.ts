import type { App } from './app.ts';
import type { CatalogueEntry } from './catalogue.ts';
import { closedToAgents } from './decide/not-for-agents.ts';
import { IMPLIED_SCOPE } from './tool.ts';

/**
 * Whether a person can let a client of theirs use this tool, by giving it the tool's scope: no policy closes it to clients. Tools whose scope
 * every client holds are not counted. Does not say that the person may use it themselves.
 */
export const isForClients = (policies: App['policies'], entry: CatalogueEntry): boolean =>
  entry.tool.scope !== IMPLIED_SCOPE && !closedToAgents(policies, entry);

/** The scopes of those tools, sorted: what a client of a person is offered to ask for. */
export const clientScopes = ({ catalogue, policies }: Pick<App, 'catalogue' | 'policies'>): string[] =>
  [
    ...new Set(catalogue.all.filter((entry) => isForClients(policies, entry)).map(({ tool }) => tool.scope)),
  ].sort();
