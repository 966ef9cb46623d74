import type { KnownBlock, ModalView } from '@slack/types';
import { fieldLines, labelled, line, moment, plain, preformatted, quote, words } from './blocks.ts';
import { statusOf } from './approval.ts';
import type { Scene } from '#engine/approve/scene.ts';
import { oneLine, say } from '#lib/sanitise.ts';
import { pieces } from './text.ts';

/** Everything about one approval, in full: what the message shortens stands here whole. */
export function detailsView(scene: Scene): ModalView {
  const { view } = scene;
  const { call, approval } = view;
  const reason = oneLine(call.reason ?? '');
  const blocks: KnownBlock[] = [
    line(words(oneLine(statusOf(scene) ?? 'Waiting for approval'), { bold: true })),
    fieldLines([
      labelled('Request', [words(oneLine(call.summary))]),
      labelled('Asked by', [words(scene.askedBy)]),
      ...(view.agent === null
        ? []
        : [
            labelled('Agent', [
              words(say`${view.agent.name}, owned by ${view.agent.owner?.displayName ?? 'nobody'}`),
            ]),
          ]),
      labelled('Effect', [words(scene.effect)]),
      labelled('Needs', [words(oneLine(scene.asks.join(' ')))]),
      labelled('This request expires', [moment(approval.expiresAt)]),
      labelled('Approval', [words(oneLine(approval.id), { code: true })]),
      labelled('Digest', [words(oneLine(approval.digest.slice(0, 8)), { code: true })]),
    ]),
    ...(reason === ''
      ? []
      : [
          line(words(view.agent === null ? 'Reason' : 'Reason, written by an agent', { italic: true })),
          ...pieces(reason, 2900).map(quote),
        ]),
    line(words('Exactly what will run', { bold: true })),
    ...preformatted([scene.toolTitle, ...scene.lines, say``, say`For:`, ...scene.targets]),
  ];
  return {
    type: 'modal',
    title: plain('Details', 24),
    close: plain('Close', 24),
    blocks: blocks.slice(0, 100),
  };
}
