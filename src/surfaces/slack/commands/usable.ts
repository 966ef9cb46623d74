import { findUsable } from '#engine/could-use.ts';
import { readonly } from '#engine/transact.ts';
import type { Act, Slack } from '../context.ts';
import type { Identity } from '../identity.ts';
import type { Route } from './registry.ts';

/** Those of the commands that policy lets this person use on something. */
export async function usableRoutes(
  slack: Slack,
  act: Act,
  { actor }: Identity,
  routes: readonly Route[],
): Promise<readonly Route[]> {
  const entries = routes.map(({ entry }) => entry);
  const usable = await readonly(slack.app, act.tenantId, (reader) =>
    findUsable(slack.app, reader, actor, entries),
  );
  return routes.filter(({ entry }) => usable.has(entry.tool.name));
}
