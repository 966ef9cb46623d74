import type { InputBlock, ModalView } from '@slack/types';
import { oneLine, say } from '#lib/sanitise.ts';
import { fieldLines, labelled, plain, words } from '../messages/blocks.ts';
import { blockOf, REASON_BLOCK } from './elements.ts';

export const DENY_CALLBACK = 'prokura.deny';
export const INSTEAD_BLOCK = blockOf('instead');
export const INSTEAD_DAYS_BLOCK = blockOf('instead_days');
export const NOTE_BLOCK = blockOf('note');

/**
 * The form that a denial needs: why, for the requester, and what would be acceptable instead. `days` is for
 * how long a mandate was asked, so that fewer can be suggested; null where nothing of the kind was asked.
 */
export function denyView(draftId: string, summary: string, days: number | null): ModalView {
  return {
    type: 'modal',
    callback_id: DENY_CALLBACK,
    title: plain('Deny', 24),
    submit: plain('Deny', 24),
    close: plain('Cancel', 24),
    private_metadata: draftId,
    blocks: [
      fieldLines([labelled('Request', [words(oneLine(summary))])]),
      {
        type: 'input',
        block_id: REASON_BLOCK,
        label: plain('Why?'),
        hint: plain('The requester will read this.'),
        element: {
          type: 'plain_text_input',
          action_id: 'value',
          multiline: true,
          min_length: 3,
          max_length: 1000,
          focus_on_load: true,
        },
      },
      {
        type: 'input',
        block_id: INSTEAD_BLOCK,
        label: plain('Suggest instead'),
        hint: plain('What you would approve. The requester will read this too.'),
        optional: true,
        element: { type: 'plain_text_input', action_id: 'value', min_length: 3, max_length: 1000 },
      },
      ...(days === null || days < 2 ? [] : [fewerDays(days)]),
    ],
  };
}

/** A word for the requester that goes with an approval. */
export const noteBlock = (): InputBlock => ({
  type: 'input',
  block_id: NOTE_BLOCK,
  label: plain('Note'),
  hint: plain('The requester will read this.'),
  optional: true,
  element: { type: 'plain_text_input', action_id: 'value', multiline: true, max_length: 1000 },
});

const fewerDays = (days: number): InputBlock => ({
  type: 'input',
  block_id: INSTEAD_DAYS_BLOCK,
  label: plain('Suggest fewer days'),
  hint: plain(say`${days} were requested. The requester can ask for exactly that with one command.`),
  optional: true,
  element: {
    type: 'number_input',
    action_id: 'value',
    is_decimal_allowed: false,
    min_value: '1',
    max_value: String(days - 1),
  },
});
