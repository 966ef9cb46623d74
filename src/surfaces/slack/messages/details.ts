import type { KnownBlock, ModalView } from '@slack/types';
import { effectWords } from '#domain/impact.ts';
import { facts, line, plain, preformatted, quote, words } from './blocks.ts';
import { statusOf } from './approval.ts';
import type { Scene } from '#engine/approve/scene.ts';
import { pieces, safeText } from './text.ts';

/** Everything about one approval, in full: what the message shortens stands here whole. */
export function detailsView(scene: Scene): ModalView {
  const { view } = scene;
  const { call, approval } = view;
  const reason = safeText(call.reason ?? '');
  const blocks: KnownBlock[] = [
    line(words(statusOf(scene) ?? 'Waiting for approval', { bold: true })),
    facts([
      ['Request', [words(call.summary)]],
      ['Asked by', [words(scene.askedBy)]],
      ...(view.agent === null
        ? []
        : [
            [
              'Agent',
              [words(`${view.agent.name}, owned by ${view.agent.owner?.displayName ?? 'nobody'}`)],
            ] as const,
          ]),
      ['Effect', [words(effectWords(approval.impact))]],
      ['Policy', [words(scene.asks.join(' '))]],
      ['Approval', [words(approval.id, { code: true })]],
      ['Digest', [words(approval.digest.slice(0, 8), { code: true })]],
    ]),
    ...(reason === ''
      ? []
      : [
          line(words(view.agent === null ? 'Reason' : 'Reason, written by an agent', { italic: true })),
          ...pieces(reason, 2900).map(quote),
        ]),
    line(words('Exactly what will run', { bold: true })),
    ...preformatted(`${scene.toolTitle}\n${scene.lines.join('\n')}\n\nFor:\n${scene.targets.join('\n')}`),
  ];
  return {
    type: 'modal',
    title: plain('Details', 24),
    close: plain('Close', 24),
    blocks: blocks.slice(0, 100),
  };
}
