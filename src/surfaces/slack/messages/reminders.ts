import { oneLine, say } from '#lib/sanitise.ts';
import { actions, fieldLines, labelled, line, moment, smallPrint, words, type Message } from './blocks.ts';
import { decisionButtons, statusOf } from './approval.ts';
import type { Scene } from '#engine/approve/scene.ts';
import { yourState } from '#engine/approve/your-state.ts';
import { topText } from './text.ts';

/**
 * To each who may vote and has not: that a decision is still awaited. Says so where it has been decided, or
 * they have voted, since.
 */
export const reminderMessage = (scene: Scene, personId: string | null): Message =>
  nudge(scene, personId, 'Reminder: this request still waits for your decision');

/**
 * To each who may vote since the escalation: that it is theirs to decide too, and why they are asked only
 * now.
 */
export const escalationMessage = (scene: Scene, personId: string | null): Message =>
  nudge(scene, personId, 'Escalated to you, because nobody has decided yet');

function nudge(scene: Scene, personId: string | null, opening: string): Message {
  const { call, approval } = scene.view;
  const { you, inWords } = yourState(scene.view, personId);
  const status = statusOf(scene);
  const now = status ?? (you === 'voted' ? inWords : null);
  const said = now === null ? `${opening}: ${call.summary}` : `${now} ${call.summary}`;
  return {
    text: topText(said),
    blocks: [
      line(words(oneLine(said), { bold: true })),
      fieldLines([
        labelled('Asked by', [words(scene.askedBy)]),
        ...(status === null ? [labelled('This request expires', [moment(approval.expiresAt)])] : []),
      ]),
      smallPrint(say`${approval.id} · digest ${approval.digest.slice(0, 8)}`),
      actions(...decisionButtons(scene, personId)),
    ],
  };
}
