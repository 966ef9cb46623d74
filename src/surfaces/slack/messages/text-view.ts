import { oneLine, say } from '#lib/sanitise.ts';
import type { ModalView } from '@slack/types';
import { line, plain, textBlocks, words } from './blocks.ts';

/** Slack takes 100 blocks in a modal. */
const MAX_BLOCKS = 98;

/** A long text, whole and literal; one that is too long even for a modal says where the rest can be read. */
export function textView(label: string, whole: string): ModalView {
  const blocks = textBlocks(whole);
  const cut =
    blocks.length <= MAX_BLOCKS
      ? []
      : [
          line(
            words(say`This is too long for Slack, so the end is missing. Read all of it over REST.`, {
              bold: true,
            }),
          ),
        ];
  return {
    type: 'modal',
    title: plain(oneLine(label), 24),
    close: plain('Close', 24),
    blocks: [...cut, ...blocks.slice(0, MAX_BLOCKS)],
  };
}
