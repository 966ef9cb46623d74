import { oneLine } from '#lib/sanitise.ts';
import type { Option } from '@slack/types';
import { readonly } from '#engine/transact.ts';
import { isRefusal } from '../account.ts';
import type { Act, Slack } from '../context.ts';
import { plain } from '../messages/blocks.ts';
import { searchAgents, searchPeople, type Candidate } from '../store.ts';

const MAX_OPTIONS = 25;

const SEARCHES = { 'prokura.person': searchPeople, 'prokura.agent': searchAgents } as const;

/**
 * What a directory-backed menu offers for a query: people or agents of the caller's own tenant. Whoever is nobody here, or
 * cannot be told to be somebody now, gets nothing.
 */
export async function optionsFor(slack: Slack, act: Act, actionId: string, query: string): Promise<Option[]> {
  const search = Object.hasOwn(SEARCHES, actionId) ? SEARCHES[actionId as keyof typeof SEARCHES] : undefined;
  if (search === undefined || query.trim() === '') return [];
  try {
    const identity = await slack.identities.of(act.tenantId, act.account, 'cached');
    if (isRefusal(identity)) return [];
    const found = await readonly(slack.app, act.tenantId, (reader) =>
      search(reader, query.trim().slice(0, 100), MAX_OPTIONS),
    );
    return found.map(option);
  } catch (error) {
    slack.app.log.warn(
      { err: error instanceof Error ? error.message : 'unknown' },
      'slack: a menu stays empty',
    );
    return [];
  }
}

const option = ({ id, name, detail }: Candidate): Option => ({
  text: plain(oneLine(name), 75),
  value: id,
  description: plain(oneLine(detail), 75),
});
