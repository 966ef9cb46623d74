import type { KnownBlock } from '@slack/types';
import { effectWords } from '#domain/impact.ts';
import { changeLines } from '#engine/approve/scene.ts';
import { shown, withNames } from '#engine/in-words.ts';
import { oneLine, say } from '#lib/sanitise.ts';
import type { Checked } from '../forms/check.ts';
import type { Field } from '../forms/fields.ts';
import { ACTIONS } from '../ids.ts';
import type { Request } from '../request.ts';
import {
  actions,
  button,
  fieldLines,
  labelled,
  line,
  preformatted,
  quote,
  smallPrint,
  words,
  type Message,
} from './blocks.ts';
import { inSentence, topText } from './text.ts';

/**
 * What would be asked for, before it is, with all that it would change as approvers see it: nothing has
 * happened yet. `draftId` is what the buttons carry; `again` where an earlier card showed something else.
 */
export function previewMessage(
  { summary, names, foreseen }: Checked,
  fields: readonly Field[],
  request: Request,
  { draftId, again }: { readonly draftId: string; readonly again: boolean },
): Message {
  const given = fields.filter((field) => request.input[field.name] !== undefined && field.name !== 'reason');
  const pairs = [
    ...given.map((field) => labelled(oneLine(field.label), [words(shown(request.input[field.name], names))])),
    ...(foreseen === null
      ? []
      : [labelled('Effect', [words(oneLine(withNames(effectWords(foreseen.impact), names)))])]),
  ];
  const opening = say`You are about to ${inSentence(summary)}`;
  const blocks: KnownBlock[] = [line(words(opening, { bold: true }))];
  if (again)
    blocks.push(
      line(
        words(
          'What this would do has changed since you saw it, so nothing was sent. This is what it would do now. Send it if you still want that.',
        ),
      ),
    );
  if (pairs.length > 0) blocks.push(fieldLines(pairs));
  // What the effect says word for word is not said again.
  const changes = foreseen === null ? [] : changeLines(foreseen.impact, names);
  if (changes.length > 0)
    blocks.push(line(words('Exactly what will change', { bold: true })), ...preformatted(changes));
  if (request.reason !== null && request.reason !== '') blocks.push(quote(request.reason));
  blocks.push(
    smallPrint(
      say`Nothing has happened yet. If approval is required, we will ask for it after you send this.`,
    ),
    actions(
      button('Send request', ACTIONS.send, draftId, 'primary'),
      button('Edit', ACTIONS.edit, draftId),
      button('Cancel', ACTIONS.cancel, draftId),
    ),
  );
  return { text: topText(opening), blocks };
}
