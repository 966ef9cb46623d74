import type { z } from 'zod';
import { AUTHORITY_LOST, CREDENTIALS_CHANGED, OWNER_LEFT, PARENT_FROZEN } from '#domain/mandate/causes.ts';
import { describeResource } from '#domain/mandate/words.ts';
import { windowWords } from '#domain/mandate/window.ts';
import type { MandateDetail, MandateView } from '#domain/mandate/view.ts';
import {
  code,
  counted,
  listed,
  sentence,
  strong,
  type AnswerButton,
  type AnswerReader,
  type AnswerWords,
  type ItemWords,
  type Sentence,
} from './answer-words.ts';

type View = z.infer<typeof MandateView>;
type Detail = z.infer<typeof MandateDetail>;

/** Why a mandate is frozen; a cause that is not here is said as it is. */
const CAUSES: Readonly<Record<string, string>> = {
  principal: 'the person who gave it froze it',
  admin: 'someone other than the person who gave it froze it',
  principal_suspended: 'the person who gave it is suspended',
  principal_deactivated: 'the person who gave it has left',
  [AUTHORITY_LOST]: 'the groups of the person who gave it no longer cover all of it',
  [OWNER_LEFT]: 'the owner of the agent has left',
  [CREDENTIALS_CHANGED]: "the agent's keys or owner changed, so the person who gave it must confirm it",
  [PARENT_FROZEN]: 'the mandate that it is part of is frozen',
  breaker: 'many people were deactivated at once, and an IT admin must decide whether that was intended',
};

/** A cause of a freeze in words: why, without the mandate that is frozen. */
export const causeWords = (cause: string): string =>
  CAUSES[cause] ?? (cause.startsWith('admin:') ? 'the kill switch was used' : cause);

const STATES: Readonly<Record<View['state'], string>> = {
  active: 'Active',
  frozen: 'Frozen',
  revoked: 'Revoked',
  expired: 'Expired',
};

const isMine = ({ principal }: View, { personId }: AnswerReader): boolean => principal.id === personId;
const isOpen = ({ state }: View): boolean => state === 'active' || state === 'frozen';

/** On whom, as this reader says it: "your direct reports". */
function onWhom(view: View, reader: AnswerReader): string {
  const mine = isMine(view, reader);
  const { id, name } = view.principal;
  return listed(
    view.resources.map((pattern) => {
      if (pattern === '*') return mine ? 'anyone you may act on' : `anyone ${name} may act on`;
      if (pattern === `reports:${id}`) return mine ? 'your direct reports' : `the direct reports of ${name}`;
      return describeResource(pattern, id, reader.names);
    }),
  );
}

const usesWords = ({ uses, max_uses: max }: View): string => {
  if (max !== null) return `used ${uses} of ${counted(max, 'time')}`;
  return uses === 0 ? 'not used yet' : `used ${counted(uses, 'time')}`;
};

const why = ({ causes, reason }: View): string => {
  if (causes.length > 0) return listed(causes.map(causeWords));
  return reason === null ? '' : causeWords(reason);
};

const until = (view: View): Sentence => {
  if (isOpen(view)) return sentence` until ${new Date(view.expires_at)}`;
  return [];
};

function mandateSentence(view: View, reader: AnswerReader): Sentence {
  const may = isOpen(view) ? 'may use' : 'could use';
  const giver = isMine(view, reader) ? 'You gave it' : `${view.principal.name} gave it`;
  const because = view.state === 'active' || why(view) === '' ? '' : ` Why: ${why(view)}.`;
  return sentence`${strong(view.agent.name)} ${may} ${listed(view.scopes)} on ${onWhom(view, reader)}${until(view)}. ${giver} for “${view.purpose}”; ${usesWords(view)}.${because}`;
}

const byId = ({ mandate_id }: View): { mandate_id: string } => ({ mandate_id });

const CHANGES: readonly AnswerButton<View, unknown>[] = [
  {
    text: 'Extend',
    tool: 'mandate_renew',
    input: byId,
    when: (view, reader) => isOpen(view) && isMine(view, reader),
    form: true,
  },
  {
    text: 'Confirm',
    tool: 'mandate_confirm',
    input: byId,
    when: (view, reader) => isMine(view, reader) && view.causes.includes(CREDENTIALS_CHANGED),
  },
  { text: 'Freeze', tool: 'mandate_freeze', input: byId, when: ({ state }) => state === 'active' },
  {
    text: 'Thaw',
    tool: 'mandate_thaw',
    input: byId,
    when: (view, reader) => view.causes.includes(isMine(view, reader) ? 'principal' : 'admin'),
  },
  { text: 'Revoke', tool: 'mandate_revoke', input: byId, when: isOpen, danger: true },
];

/** How a mandate is said in a list. */
export const mandateItem: ItemWords<View, unknown> = {
  heading: 'Mandates',
  state: ({ state }) => STATES[state],
  sentence: mandateSentence,
  empty:
    'No mandates. A mandate lets an agent act for a person, within limits and until a date. Give one with /mandate create.',
  buttons: [
    { text: 'Show', tool: 'mandate_show', input: byId },
    ...CHANGES.filter(({ text }) => text !== 'Freeze'),
  ],
};

/** How one mandate is said with everything that it holds. */
export const mandateWords: AnswerWords<Detail> = {
  fields: (one, reader) => [
    [
      'State',
      one.state === 'active' || why(one) === '' ? STATES[one.state] : `${STATES[one.state]}: ${why(one)}`,
    ],
    ['Agent', one.agent.name],
    ['Given by', isMine(one, reader) ? 'you' : one.principal.name],
    ['Purpose', one.purpose],
    ['Allows', one.in_words.allows],
    ['Forbids', one.in_words.forbids],
    ['On', onWhom(one, reader)],
    ['When', one.window === null ? null : windowWords(one.window)],
    ['Uses', usesWords(one)],
    ['Starts', [new Date(one.starts_at)]],
    ['Ends', [new Date(one.expires_at)]],
    ['Made from', one.tree.parent_id === null ? null : [code(one.tree.parent_id)]],
    [
      'Passed on',
      one.tree.children.length === 0 ? null : `${counted(one.tree.children.length, 'mandate')} made from it`,
    ],
    ['Mandate id', [code(one.mandate_id)]],
  ],
  buttons: CHANGES,
};
