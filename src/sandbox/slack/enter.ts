import type { FormValue, InputState, SimOption, Wire } from './types.ts';
import { wordsOf } from './wire.ts';

/** Asks the app for the options of an external menu. */
export type Ask = (query: string) => Promise<readonly Wire[]>;

/** The options that a menu shows of itself, groups flattened. */
export function optionsOf(element: Wire): Wire[] {
  const groups = (element['option_groups'] ?? []) as { options: Wire[] }[];
  return [...((element['options'] ?? []) as Wire[]), ...groups.flatMap((group) => group.options)];
}

/** An option as people see it. */
export function seenOption(option: Wire): SimOption {
  const description =
    option['description'] === undefined ? {} : { description: wordsOf(option['description']) };
  return { text: wordsOf(option['text']), value: String(option['value']), ...description };
}

type Enter = (element: Wire, value: FormValue, ask: Ask) => unknown;

/**
 * How an element's value travels: the member of its state, the initial value's name, what stands there
 * untouched.
 */
interface Kind {
  readonly member: string;
  readonly initial: string;
  readonly empty: null | readonly [];
  readonly enter: Enter;
}

const only = (value: FormValue): string => {
  if (typeof value === 'string') return value;
  throw new Error('this input takes one text');
};
const several = (value: FormValue): readonly string[] =>
  typeof value === 'string' ? [value].filter((one) => one !== '') : typeof value === 'boolean' ? [] : value;
const textOrNull = (value: FormValue): string | null => (only(value) === '' ? null : only(value));

async function pick(element: Wire, wanted: string, ask: Ask): Promise<Wire> {
  const external = String(element['type']).includes('external');
  const offered = external ? await ask(wanted) : optionsOf(element);
  const exact = offered.find((one) => one['value'] === wanted || wordsOf(one['text']) === wanted);
  // A person who types into an external menu takes the one option that is left.
  const found = exact ?? (external && offered.length === 1 ? offered[0] : undefined);
  if (found !== undefined) return found;
  throw new Error(
    `there is no option "${wanted}". Options: ${offered.map((one) => wordsOf(one['text'])).join(', ') || 'nothing'}`,
  );
}

const kind = (member: string, enter: Enter, empty: null | readonly [] = null): Kind => ({
  member,
  initial: member.replace(/^selected_/, 'initial_').replace(/^value$/, 'initial_value'),
  empty,
  enter,
});
const text = kind('value', (_, value) => textOrNull(value));
const one = kind('selected_option', (element, value, ask) =>
  only(value) === '' ? null : pick(element, only(value), ask),
);
const many = kind(
  'selected_options',
  (element, value, ask) =>
    value === true
      ? optionsOf(element)
      : Promise.all(several(value).map((wanted) => pick(element, wanted, ask))),
  [],
);
const plain = (member: string): Kind => kind(member, (_, value) => textOrNull(value));
const plainList = (member: string): Kind => kind(member, (_, value) => several(value), []);

const KINDS: Readonly<Record<string, Kind>> = {
  plain_text_input: text,
  email_text_input: text,
  url_text_input: text,
  number_input: text,
  static_select: one,
  external_select: one,
  radio_buttons: one,
  overflow: one,
  multi_static_select: many,
  multi_external_select: many,
  checkboxes: many,
  users_select: plain('selected_user'),
  conversations_select: plain('selected_conversation'),
  channels_select: plain('selected_channel'),
  multi_users_select: plainList('selected_users'),
  multi_conversations_select: plainList('selected_conversations'),
  multi_channels_select: plainList('selected_channels'),
  datepicker: plain('selected_date'),
  timepicker: plain('selected_time'),
  datetimepicker: kind('selected_date_time', (_, value) => (only(value) === '' ? null : Number(only(value)))),
  rich_text_input: {
    member: 'rich_text_value',
    initial: 'initial_value',
    empty: null,
    enter: (_, value) => ({
      type: 'rich_text',
      elements: [{ type: 'rich_text_section', elements: [{ type: 'text', text: only(value) }] }],
    }),
  },
};

/** True for elements that hold a value; buttons do not. */
export const holdsValue = (element: Wire): boolean => Object.hasOwn(KINDS, String(element['type']));

/** An element's state after a person entered this. Throws where it cannot be entered or is not offered. */
export async function enter(element: Wire, value: FormValue, ask: Ask): Promise<InputState> {
  const type = String(element['type']);
  const into = KINDS[type];
  if (into === undefined) throw new Error(`a ${type} does not take input`);
  return { type, [into.member]: await into.enter(element, value, ask) };
}

/**
 * An element's state before anybody touched it, as Slack reports it: the initial value, else null or an empty
 * list.
 */
export function untouched(element: Wire): InputState {
  const type = String(element['type']);
  const into = KINDS[type];
  return into === undefined ? { type } : { type, [into.member]: element[into.initial] ?? into.empty };
}

/** The value within an element's state, whatever its member's name. */
export const valueOf = (state: InputState): unknown => state[KINDS[state.type]?.member ?? ''];
