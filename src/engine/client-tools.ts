import type { App } from './app.ts';
import type { CatalogueEntry } from './catalogue.ts';
import { closedToAgents } from './decide/not-for-agents.ts';
import { IMPLIED_SCOPE } from './tool.ts';

/**
 * Whether a person can let a client of theirs use this tool by granting the tool's scope, that is, no policy
 * closes it to clients. False for tools whose scope every client holds. Does not check that the person may
 * use the tool.
 */
export const isForClients = (policies: App['policies'], entry: CatalogueEntry): boolean =>
  entry.tool.scope !== IMPLIED_SCOPE && !closedToAgents(policies, entry);

/** The scopes of those tools, sorted: what a person's client can ask for. */
export const clientScopes = ({ catalogue, policies }: Pick<App, 'catalogue' | 'policies'>): string[] =>
  [
    ...new Set(catalogue.all.filter((entry) => isForClients(policies, entry)).map(({ tool }) => tool.scope)),
  ].sort();
