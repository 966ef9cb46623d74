import { oneLine, say } from '#lib/sanitise.ts';
import type { KnownBlock } from '@slack/types';
import { shown } from '#engine/in-words.ts';
import { escapeMrkdwn, shortened } from './text.ts';
import type { Field } from '../forms/fields.ts';
import { ACTIONS } from '../ids.ts';
import type { Request } from '../run.ts';
import { actions, button, fact, facts, line, quote, smallPrint, words, type Message } from './blocks.ts';

/** What would be asked for, before it is: nothing has happened yet. `draftId` is what the buttons carry. */
export function previewMessage(
  summary: string,
  fields: readonly Field[],
  request: Request,
  names: ReadonlyMap<string, string>,
  draftId: string,
): Message {
  const given = fields.filter((field) => request.input[field.name] !== undefined && field.name !== 'reason');
  const pairs = given.map((field) =>
    fact(oneLine(field.label), [words(shown(request.input[field.name], names))]),
  );
  const blocks: KnownBlock[] = [line(words('I will: ', { bold: true }), words(oneLine(summary)))];
  if (pairs.length > 0) blocks.push(facts(pairs));
  if (request.reason !== null && request.reason !== '') blocks.push(quote(request.reason));
  blocks.push(
    smallPrint(
      say`Nothing has happened yet. Where policy wants an approval, it is asked for after you send this.`,
    ),
    actions(
      button('Send request', ACTIONS.send, draftId, 'primary'),
      button('Edit', ACTIONS.edit, draftId),
      button('Cancel', ACTIONS.cancel, draftId),
    ),
  );
  return { text: shortened(escapeMrkdwn(`I will: ${summary}`), 2900, '…'), blocks };
}
