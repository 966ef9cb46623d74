import type { JobAlarm } from '#domain/alarm/store.ts';
import { SYNC_DIRECTORY } from '#engine/set-up.ts';
import { oneLine, say } from '#lib/sanitise.ts';
import { fieldLines, header, labelled, moment, smallPrint, words, type Message } from './blocks.ts';
import { shortened, topText } from './text.ts';

/** To IT admins: that work in the background failed, why, and what to do; later, that it works again. */
export function jobAlarmMessage({ id, queue, subject, reason, raisedAt, overAt }: JobAlarm): Message {
  const directory = queue === SYNC_DIRECTORY;
  const what = directory ? say`The import of the directory` : say`Background work (${queue})`;
  const title = overAt === null ? say`${what} failed` : say`${what} works again`;
  const next = directory
    ? say`Fix what the reason names. The next import runs within four hours. Until then we keep what we read before, and do not rely on data that gets too old.`
    : say`We will not try it again. Send the reason above to the person who runs Prokura.`;
  return {
    text: topText(overAt === null ? say`${title}: ${reason}` : title),
    blocks: [
      header(title),
      fieldLines([
        labelled('Since', [moment(raisedAt)]),
        ...(overAt === null ? [] : ([labelled('Until', [moment(overAt)])] as const)),
        labelled('Reason', [words(oneLine(shortened(reason, 1500, '…')))]),
        ...(subject === '' ? [] : ([labelled('About', [words(oneLine(subject))])] as const)),
        ...(overAt === null ? ([labelled('What to do', [words(next)])] as const) : []),
      ]),
      smallPrint(oneLine(id)),
    ],
  };
}
