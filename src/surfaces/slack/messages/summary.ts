import { counted } from '#engine/answer-words.ts';
import { causeWords } from '#engine/mandate-in-words.ts';
import { oneLine } from '#lib/sanitise.ts';
import type { SummarisedCalls, SummarisedMandates } from '../summary-store.ts';
import { line, words, type Message } from './blocks.ts';
import { shortened, topText } from './text.ts';

/** That many mandates froze or ended, as the person `reader` reads it. */
export function mandateSummary(of: SummarisedMandates, change: string, reader: string): Message {
  const own = of.principals === 1 && of.principal === reader;
  const whose = own ? ' of yours' : of.principals === 1 ? ` of ${of.name}` : ` of ${of.principals} people`;
  const why = of.reason === null ? '' : `: ${change === 'frozen' ? causeWords(of.reason) : of.reason}`;
  const thawed = change === 'frozen' && of.still < of.count ? ` ${of.still} of them are frozen now.` : '';
  const be = of.count === 1 ? 'was' : 'were';
  const stop = of.still === 0 ? '' : ' Agents cannot use them.';
  return listing(
    `${counted(of.count, 'mandate')}${whose} ${be} ${change}${why}.${thawed}${stop}`,
    of.first.map(({ agent, by, what }) => `${own ? '' : `${by}: `}agent ${agent}, ${what}`),
    of.count,
    '/mandate list shows them.',
  );
}

/** That many requests were withdrawn, as the person for whom they were made reads it. */
export function callSummary({ count, first }: SummarisedCalls): Message {
  const be = count === 1 ? 'was' : 'were';
  return listing(`${counted(count, 'request')} of yours ${be} withdrawn.`, first, count, '');
}

const MAX_NAME = 200;

/** A sentence, the first of what it is about, and how many more there are. */
function listing(text: string, first: readonly string[], count: number, more: string): Message {
  const left = count - first.length;
  const rest = left > 0 ? `and ${left} more. ${more}`.trim() : more;
  return {
    text: topText(text),
    blocks: [
      line(words(oneLine(text), { bold: true })),
      ...first.map((one) => line(words(oneLine(shortened(oneLine(one), MAX_NAME, '…'))))),
      ...(rest === '' ? [] : [line(words(oneLine(rest)))]),
    ],
  };
}
