import { oneLine } from '#lib/sanitise.ts';
import type { JobAlarm } from '#domain/alarm/store.ts';
import { SYNC_DIRECTORY } from '#engine/set-up.ts';
import { fact, facts, header, moment, smallPrint, words, type Message } from './blocks.ts';
import { escapeMrkdwn, shortened } from './text.ts';

/** To IT admins: that work in the background failed, why, and what to do; later, that it works again. */
export function jobAlarmMessage({ id, queue, subject, reason, raisedAt, overAt }: JobAlarm): Message {
  const directory = queue === SYNC_DIRECTORY;
  const what = directory ? 'The import of the directory' : `Background work (${queue})`;
  const title = overAt === null ? `${what} failed` : `${what} works again`;
  const next = directory
    ? 'What could not be read stays as it was; data that gets too old is not relied on. The next import runs within four hours. Put right what is named above.'
    : 'It is not tried again by itself. Give whoever runs Prokura the text above.';
  return {
    text: escapeMrkdwn(shortened(overAt === null ? `${title}: ${reason}` : title, 2800, '…')),
    blocks: [
      header(oneLine(title)),
      facts([
        fact('Since', [moment(raisedAt)]),
        ...(overAt === null ? [] : ([fact('Until', [moment(overAt)])] as const)),
        fact('Reason', [words(oneLine(shortened(reason, 1500, '…')))]),
        ...(subject === '' ? [] : ([fact('About', [words(oneLine(subject))])] as const)),
        ...(overAt === null ? ([fact('What to do', [words(oneLine(next))])] as const) : []),
      ]),
      smallPrint(oneLine(id)),
    ],
  };
}
