import { oneLine, say } from '#lib/sanitise.ts';
import { ACTIONS } from '../ids.ts';
import {
  actions,
  button,
  fieldLines,
  labelled,
  header,
  line,
  moment,
  smallPrint,
  words,
  type Message,
} from './blocks.ts';
import { shortened, topText } from './text.ts';

/** A burst of departures, as far as a message tells of it. */
export interface BurstScene {
  /** What the buttons carry. */
  readonly burst: string;
  readonly source: string;
  readonly reason: string;
  readonly since: Date;
  readonly threshold: { readonly people: number; readonly seconds: number };
  /** Names of those about whom nobody has decided. */
  readonly held: readonly string[];
  /** How many of them are active again. */
  readonly back: number;
  /** Their mandates that are frozen for it. */
  readonly mandates: number;
  readonly applied: number;
  readonly dismissed: number;
}

const SHOWN = 10;

/**
 * To IT admins, while the mass-change breaker holds something back and after it was decided: what has
 * happened, whom it hits, and what to do.
 */
export function breakerMessage(scene: BurstScene): Message {
  const { burst, held, mandates, threshold } = scene;
  const [people, given] = [count(held.length, 'person', 'people'), count(mandates, 'mandate', 'mandates')];
  const decided = `${scene.applied} carried out, ${scene.dismissed} dismissed`;
  const open = held.length > 0;
  const title = open
    ? `Mass-change breaker: the revocation for ${people} waits for you`
    : `Mass-change breaker: decided (${decided})`;
  const listed = held.slice(0, SHOWN).join(', ');
  const more = held.length > SHOWN ? ` and ${held.length - SHOWN} more` : '';
  return {
    text: topText(open ? `${title}: ${given}, frozen because of ${scene.source}.` : title),
    blocks: [
      header(oneLine(title)),
      fieldLines([
        labelled('What happened', [words(say`${scene.source} removed people: ${scene.reason}`)]),
        labelled('Why we stopped', [
          words(
            say`more than ${count(threshold.people, 'person', 'people')} within ${inWords(threshold.seconds)}, since `,
          ),
          moment(scene.since),
        ]),
        ...(open
          ? ([
              labelled('Who is affected', [
                words(say`${people}, ${given}: ${shortened(listed, 900, '…')}${more}`),
              ]),
              labelled('Active again', [words(say`${scene.back} of them`)]),
              labelled('Decided', [words(oneLine(decided))]),
            ] as const)
          : []),
      ]),
      ...(open
        ? [
            line(
              words(
                'The mandates that they gave are frozen, so there is no hurry. If this was intended, carry out the revocations: the mandates end for good, and another IT admin must agree. If it was a mistake, make the people active again at the source, then dismiss the revocations.',
              ),
            ),
          ]
        : []),
      smallPrint(say`${burst} · To see everyone, type /breaker list`),
      ...(open
        ? [
            actions(
              button('Carry out revocations', ACTIONS.carryOut, burst, 'danger'),
              button('Dismiss revocations', ACTIONS.dismiss, burst),
            ),
          ]
        : []),
    ],
  };
}

const count = (many: number, one: string, several: string): string => `${many} ${many === 1 ? one : several}`;

const inWords = (seconds: number): string =>
  seconds % 60 === 0 ? count(seconds / 60, 'minute', 'minutes') : count(seconds, 'second', 'seconds');
