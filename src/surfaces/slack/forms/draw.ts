import { oneLine, say } from '#lib/sanitise.ts';
import type { InputBlock, KnownBlock, ModalView } from '@slack/types';
import { words as commandWords, type Catalogue, type CatalogueEntry } from '#engine/catalogue.ts';
import { labelOf } from '#engine/in-words.ts';
import type { Route } from '../commands/registry.ts';
import { actions, button, line, plain, smallPrint, words } from '../messages/blocks.ts';
import { fieldBlocks, noteOf, REASON_BLOCK, type Names } from './elements.ts';
import {
  arrange,
  governing,
  isNeeded,
  pathsOf,
  placedNotes,
  settledFields,
  type Given,
  type Notes,
} from './layout.ts';

export const FORM_CALLBACK = 'prokura.form';

/** The button that shows the fields that may be left out. */
export const MORE_ACTION = 'prokura.more';
/** Its block, which stands in a form as long as something is hidden. */
export const MORE_BLOCK = 'more';

/** What a form is drawn of. */
export type FormOf = Pick<Route, 'entry' | 'fields' | 'positional'>;

export interface FormState {
  /** What was understood so far, by field. */
  readonly input: Given;
  readonly reason: string | null;
  /**
   * What is wrong with what was given. What is merely missing is not among it: an empty field says so itself.
   */
  readonly notes: Notes;
  readonly names: Names;
  /**
   * Whether the fields that may be left out are shown too. They are, in any case, where one of them was given
   * or is wrong.
   */
  readonly more: boolean;
}

/**
 * A tool's input as a modal, prefilled: what is needed first, the rest behind *More options*. `draftId` is
 * all that `private_metadata` holds. What is wrong with a field stands beneath it, and goes when the field is
 * changed (`changedForm`).
 */
export function formView(
  { entry, fields, positional }: FormOf,
  catalogue: Pick<Catalogue, 'get'>,
  draftId: string,
  { input, reason, notes: said, names, more }: FormState,
): ModalView {
  const { tool } = entry;
  const changes = tool.effects === 'write' || tool.effects === 'act';
  const settled = settledFields(fields, input, catalogue);
  const { shown, behind } = arrange(settled, positional, { given: input, notes: said });
  const drawn = more ? [...shown, ...behind] : shown;
  const notes = placedNotes(said, pathsOf(drawn));
  const gap = drawn.find((field) => isNeeded(field, input) && input[field.name] === undefined);
  const [wrong] = [...notes.keys()].filter((path) => path !== '');
  const filled = {
    given: input,
    names,
    notes,
    focus: wrong ?? gap?.name ?? null,
    told: governing(fields),
  };
  const inputs = drawn.flatMap((field) => fieldBlocks(field, filled, isNeeded(field, input)));
  const ownReason = fields.some((field) => field.name === 'reason');
  const note = notes.get('');
  return {
    type: 'modal',
    callback_id: FORM_CALLBACK,
    title: plain(oneLine(formTitle(tool)), MAX_TITLE),
    submit: plain(changes ? 'Send request' : 'Show', 24),
    close: plain('Cancel', 24),
    private_metadata: draftId,
    blocks: [
      about(tool),
      ...(note === undefined ? [] : [{ ...smallPrint(say`⚠ ${note}`), block_id: noteOf('') }]),
      ...inputs,
      ...(changes && !ownReason ? [reasonBlock(reason)] : []),
      ...(drawn.length === settled.length ? [] : [moreBlock(draftId)]),
    ],
  };
}

const about = (tool: CatalogueEntry['tool']): KnownBlock =>
  line(
    ...(formTitle(tool) === tool.title ? [] : [words(say`${tool.title}. `, { bold: true })]),
    words(oneLine(tool.description)),
  );

const moreBlock = (draftId: string): KnownBlock => ({
  ...actions(button('More options', MORE_ACTION, draftId)),
  block_id: MORE_BLOCK,
});

/** The longest title of a modal (docs.slack.dev/reference/views/modal-views). */
const MAX_TITLE = 24;

/**
 * A title that fits whole: the tool's own, or the words of its command; the form then begins with the tool's
 * own.
 */
function formTitle({ title, command }: Pick<CatalogueEntry['tool'], 'title' | 'command'>): string {
  if (title.length <= MAX_TITLE) return title;
  const path = command === undefined ? '' : commandWords(command).slice(1);
  return path === '' || path.length > MAX_TITLE ? 'Request' : labelOf(path);
}

const reasonBlock = (reason: string | null): InputBlock => ({
  type: 'input',
  block_id: REASON_BLOCK,
  label: plain('Reason'),
  hint: plain('Approvers and auditors read it.'),
  optional: true,
  element: {
    type: 'plain_text_input',
    action_id: 'value',
    multiline: true,
    max_length: 3000,
    ...(reason === null ? {} : { initial_value: reason.slice(0, 3000) }),
  },
});
