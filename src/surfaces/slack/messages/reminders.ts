import { oneLine, say } from '#lib/sanitise.ts';
import { actions, fact, facts, line, moment, smallPrint, words, type Message } from './blocks.ts';
import { decisionButtons, statusOf } from './approval.ts';
import type { Scene } from '#engine/approve/scene.ts';
import { escapeMrkdwn, shortened } from './text.ts';

/** To each who may vote and has not: that a decision is still awaited. Says so where it has been decided since. */
export const reminderMessage = (scene: Scene): Message =>
  nudge(scene, 'Reminder, this still waits for your decision');

/** To each who may vote since the escalation: that it is theirs to decide too, and why they are asked only now. */
export const escalationMessage = (scene: Scene): Message =>
  nudge(scene, 'Escalated to you, because nobody has decided yet');

function nudge(scene: Scene, opening: string): Message {
  const { call, approval } = scene.view;
  const status = statusOf(scene);
  const said = status === null ? `${opening}: ${call.summary}` : `${status} ${call.summary}`;
  return {
    text: escapeMrkdwn(shortened(said, 2800, '…')),
    blocks: [
      line(words(oneLine(said), { bold: true })),
      facts([
        fact('Asked by', [words(scene.askedBy)]),
        ...(status === null ? [fact('Expires', [moment(approval.expiresAt)])] : []),
      ]),
      smallPrint(say`${approval.id} · digest ${approval.digest.slice(0, 8)}`),
      actions(...decisionButtons(scene)),
    ],
  };
}
