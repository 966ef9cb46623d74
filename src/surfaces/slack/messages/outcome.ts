import { oneLine, say } from '#lib/sanitise.ts';
import type { KnownBlock } from '@slack/types';
import type { CatalogueEntry } from '#engine/catalogue.ts';
import type { Outcome } from '#engine/outcome.ts';
import type { CallError } from '#domain/call/call.ts';
import { line, words, type Message } from './blocks.ts';
import { outputBlocks } from './output.ts';
import { topText } from './text.ts';

/** What an answer says beside the outcome itself. */
export interface Around {
  /** Of what waits: that too few can approve it. */
  readonly shortage: string | null;
  /** Of what is done: names for the ids in its output. */
  readonly names: ReadonlyMap<string, string>;
}

/**
 * What became of a request so far: the answer to a command or a form. `summary` says what was asked, in words
 * for people.
 */
export function outcomeMessage(
  entry: CatalogueEntry,
  summary: string,
  outcome: Outcome,
  { shortage, names }: Around,
): Message {
  if (outcome.status === 'done') return done(entry, summary, outcome.output, names);
  if (outcome.status === 'running')
    return simple('Working on it', `${summary}. You will get the result as a direct message.`);
  if (outcome.status === 'denied') return simple('Not allowed', `${summary}. ${outcome.denial.message}`);
  if (outcome.status !== 'waiting')
    return simple(OPENINGS[outcome.status], `${summary}. ${errorText(outcome.error)}`);
  // It waits although too few could approve it: whoever asked is named for break-glass.
  if (shortage !== null)
    return simple(
      'Not carried out',
      `${summary}. ${shortage} You are named for break-glass: use the button in the direct message about this request. Otherwise the request expires.`,
    );
  return simple('Waiting for approval', `${summary}. You will get the result as a direct message.`);
}

const OPENINGS = {
  rejected: 'Denied',
  expired: 'Expired',
  withdrawn: 'Withdrawn',
  failed: 'Failed',
  unknown: 'We do not know whether it took effect',
} as const;

/**
 * An error with the provider's own code and words, where there are some: whoever looks there finds the same.
 */
export function errorText(error: CallError): string {
  const provider = error.detail?.provider;
  if (provider === undefined) return error.message;
  return `${error.message} (Okta: ${provider.code}, "${provider.summary}")`;
}

function done(
  entry: CatalogueEntry,
  summary: string,
  output: Readonly<Record<string, unknown>>,
  names: Around['names'],
): Message {
  const changes = entry.tool.effects === 'write' || entry.tool.effects === 'act';
  const opening: KnownBlock[] = changes
    ? [line(words('Done: ', { bold: true }), words(oneLine(summary)))]
    : [line(words(oneLine(entry.tool.title), { bold: true }))];
  return {
    text: topText(`${changes ? 'Done: ' : ''}${summary}`),
    blocks: [...opening, ...outputBlocks(entry, output, names)],
  };
}

const simple = (opening: string, rest: string): Message => ({
  text: topText(`${opening}: ${rest}`),
  blocks: [line(words(say`${opening}: `, { bold: true }), words(oneLine(rest)))],
});
