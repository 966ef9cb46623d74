import { oneLine, say } from '#lib/sanitise.ts';
import { effectWords } from '#domain/impact.ts';
import type { BreakGlassUse } from '#domain/break-glass/store.ts';
import type { Person } from '#domain/person/store.ts';
import type { ApprovalView } from '#engine/approve/view.ts';
import {
  fieldLines,
  labelled,
  header,
  line,
  moment,
  quote,
  smallPrint,
  words,
  type Message,
} from './blocks.ts';
import { topText } from './text.ts';

/**
 * That break-glass was used: who did what to whom, why, what was waived, and whether somebody has looked at
 * it since.
 */
export function alarmMessage(
  use: BreakGlassUse,
  { call, approval }: ApprovalView,
  { by, reviewer }: { readonly by: Person | null; readonly reviewer: Person | null },
): Message {
  const who = by === null ? use.personId : `${by.displayName} (${by.login})`;
  const state =
    reviewer === null
      ? `Not reviewed yet. Somebody else must review it: type /approval review ${use.id} and what you found`
      : `Reviewed by ${reviewer.displayName}`;
  return {
    text: topText(`Break-glass used by ${who}: ${call.summary}. ${use.why}`),
    blocks: [
      line(words('Break-glass was used: this ran without its approvals.', { bold: true })),
      header(oneLine(call.summary)),
      fieldLines([
        labelled('Used by', [words(oneLine(who))]),
        labelled('When', [moment(use.at)]),
        labelled('Effect', [words(oneLine(effectWords(approval.impact)))]),
        labelled('Approvals skipped', [
          words(oneLine(approval.requirements.map((one) => one.reason).join(' '))),
        ]),
        labelled('Review', [words(oneLine(state))]),
      ]),
      line(words('Why it was used, in their own words', { italic: true })),
      quote(use.why),
      ...(use.review === null ? [] : [line(words('The review', { italic: true })), quote(use.review)]),
      smallPrint(say`${use.id} · ${call.id}`),
    ],
  };
}
