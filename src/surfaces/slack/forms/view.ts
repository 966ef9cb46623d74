import { objectIn, objectsIn, textIn, type Wire } from '../wire.ts';
import { MORE_BLOCK } from './draw.ts';
import { blockOf, noteOf } from './elements.ts';
import type { Notes } from './layout.ts';

/**
 * What an open form shows, out of the view as Slack sends it. It decides how the form is drawn again, and
 * nothing else: who and what comes from the draft and the signed payload.
 */

/** The paths of the fields that it asks for, in their order. */
export const pathsIn = (view: Wire): string[] =>
  objectsIn(view, 'blocks')
    .filter((block) => block['type'] === 'input')
    .map((block) => textIn(block, 'block_id').slice(blockOf('').length));

/** Whether something waits behind *More options*. */
export const isFolded = (view: Wire): boolean =>
  objectsIn(view, 'blocks').some((block) => textIn(block, 'block_id') === MORE_BLOCK);

/** What it says is wrong, by path. */
export const notesIn = (view: Wire): Notes =>
  new Map(
    objectsIn(view, 'blocks').flatMap((block) => {
      const id = textIn(block, 'block_id');
      const [said = {}] = objectsIn(block, 'elements');
      return id.startsWith(noteOf(''))
        ? [[id.slice(noteOf('').length), textIn(said, 'text').replace(/^⚠ /, '')] as const]
        : [];
    }),
  );

/** What the chosen options of its menus are called, by their values. */
export function labelsIn(values: Wire): ReadonlyMap<string, string> {
  const states = Object.values(values).flatMap((block) => Object.values(block as Wire)) as Wire[];
  const options = states.flatMap((state) => [
    objectIn(state, 'selected_option'),
    ...objectsIn(state, 'selected_options'),
  ]);
  return new Map(
    options.map((option) => [textIn(option, 'value'), textIn(objectIn(option, 'text'), 'text')] as const),
  );
}
