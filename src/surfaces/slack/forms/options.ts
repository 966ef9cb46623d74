import { oneLine } from '#lib/sanitise.ts';
import type { Option } from '@slack/types';
import { browse } from '#engine/transact.ts';
import { isRefusal } from '../account.ts';
import type { Act, Slack } from '../context.ts';
import { plain } from '../messages/blocks.ts';
import { MAX_OPTION, MAX_VALUE, pickerAction } from './elements.ts';
import { PICKERS } from './fields.ts';
import { searchFor } from './pickers.ts';
import type { Candidate } from './store.ts';

/** How many choices are offered at once. Slack takes 100; nobody reads as many. */
const MAX_OPTIONS = 50;

/**
 * What a menu that looks something up offers for a query: people, agents, scopes and the like of the caller's
 * own tenant. Whoever is nobody here, or cannot be told to be somebody now, gets nothing. What Slack cannot
 * hold as a choice is left out.
 */
export async function optionsFor(slack: Slack, act: Act, actionId: string, query: string): Promise<Option[]> {
  const of = PICKERS.find((one) => pickerAction(one) === actionId);
  if (of === undefined) return [];
  try {
    const identity = await slack.identities.of(act.tenantId, act.account, 'cached');
    if (isRefusal(identity)) return [];
    const found = await browse(slack.app, act.tenantId, undefined, (reader) =>
      searchFor(of, { app: slack.app, reader, ...identity }, query.trim().slice(0, 100), MAX_OPTIONS),
    );
    return found.filter(({ id }) => id.length <= MAX_VALUE).map(option);
  } catch (error) {
    slack.app.log.warn(
      { err: error instanceof Error ? error.message : 'unknown' },
      'slack: a menu stays empty',
    );
    return [];
  }
}

const option = ({ id, name, detail }: Candidate): Option => ({
  text: plain(oneLine(name), MAX_OPTION),
  value: id,
  description: plain(oneLine(detail), MAX_OPTION),
});
