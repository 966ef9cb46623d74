import type { InputBlock, InputBlockElement, KnownBlock, PlainTextOption } from '@slack/types';
import { withNames } from '#engine/in-words.ts';
import { oneLine, say, type Line } from '#lib/sanitise.ts';
import { plain, smallPrint } from '../messages/blocks.ts';
import type { Field, FieldKind, Picker } from './fields.ts';
import type { Given, Notes } from './layout.ts';

/** Names of what people see in place of ids: a person's or agent's display name. */
export type Names = ReadonlyMap<string, string>;

/** The block of a field, by its path in the tool's input; errors are shown at it. */
export const blockOf = (path: string): string => `field.${path}`;

/** The reason is not a field of most tools, and has a block of its own. */
export const REASON_BLOCK = blockOf('reason');

/** The block that says what is wrong with a field in a form that Slack has not checked yet. */
export const noteOf = (path: string): string => `note.${path}`;

/** What every element of a form is called that looks nothing up. */
const VALUE = 'prokura.value';

/** The menu that looks something up, by what it is called at Slack. */
export const pickerAction = (of: Picker): string => `prokura.${of}`;

/**
 * Slack's bounds (docs.slack.dev/reference/block-kit): characters of a text and of a value, options of a
 * menu.
 */
const MAX_TEXT = 3000;
export const MAX_VALUE = 150;
const MAX_OPTIONS = 100;
/** Characters of an option, and of what stands under it. */
export const MAX_OPTION = 75;

/** What a form shows in its fields. */
export interface Filled {
  readonly given: Given;
  readonly names: Names;
  readonly notes: Notes;
  /** The field that the cursor is in. */
  readonly focus: string | null;
  /** Fields whose change is told at once. */
  readonly told: ReadonlySet<string>;
}

/**
 * A field as inputs, filled with what was given, each with what is wrong with it beneath. `needed`: Slack
 * sends the form only when it is filled. A group is one input for each member.
 */
export const fieldBlocks = (field: Field, filled: Filled, needed: boolean): KnownBlock[] =>
  blocksAt(field.name, field, filled.given[field.name], filled, needed);

function blocksAt(path: string, field: Field, given: unknown, filled: Filled, needed: boolean): KnownBlock[] {
  const value = given ?? field.preset;
  if (field.kind === 'group')
    return field.parts.flatMap((part) =>
      blocksAt(`${path}.${part.name}`, part, memberOf(value, part.name), filled, needed && part.required),
    );
  const note = filled.notes.get(path);
  const told = note !== undefined || filled.told.has(path);
  const element = ELEMENTS[field.kind](field, value, filled.names);
  const hint = hintOf(field);
  const block: InputBlock = {
    type: 'input',
    block_id: blockOf(path),
    label: plain(oneLine(field.label), 2000),
    ...(hint === '' ? {} : { hint: plain(hint, 2000) }),
    // A box that is not ticked is an answer too.
    optional: !needed || field.kind === 'boolean',
    element: {
      ...element,
      ...(filled.focus === path ? { focus_on_load: true } : {}),
      ...(told && TYPED.has(element.type) ? AT_ONCE : {}),
    } as InputBlockElement,
    ...(told ? { dispatch_action: true } : {}),
  };
  return note === undefined ? [block] : [block, { ...smallPrint(say`⚠ ${note}`), block_id: noteOf(path) }];
}

const memberOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Given)[name] : undefined;

/**
 * Elements that are typed into; they tell of a change when the field is left, unless they are asked to tell
 * of it at once.
 */
const TYPED = new Set(['plain_text_input', 'number_input']);
const AT_ONCE = { dispatch_action_config: { trigger_actions_on: ['on_character_entered'] } } as const;

/** What the element itself does not say. */
const HOW: Readonly<Partial<Record<FieldKind['kind'], string>>> = {
  list: 'One per line, or separated by commas.',
  person: 'Type the beginning of a name.',
  document: 'Paste all of it, up to 3,000 characters; send a longer one over the REST API.',
};

/**
 * Ways to name somebody or something, as descriptions have them: ": its name or id", " (work email or person
 * id)".
 */
const NAMED =
  /(?<=\S)(?::| \()? ?\b(?:its |person |work )*(?:name|id|email) or (?:its |person |work )*(?:name|id|email)\b\)?/gi;

/** What a field is for, without the ways to type what is picked here. */
function hintOf(field: Field): Line {
  const { kind, description } = field;
  const looked = 'of' in field && field.of !== null;
  const picked = looked || kind === 'person' || kind === 'agent';
  const left = picked ? description.replace(NAMED, '').trim() : description;
  // "Agent name or ID." beneath a menu of agents: its label says as much.
  const what = /^\w*\.?$/.test(left) ? '' : left;
  return oneLine(`${what} ${looked ? '' : (HOW[kind] ?? '')}`.trim());
}

type Draw = (field: Field, value: unknown, names: Names) => InputBlockElement;

function text(value: unknown, multiline: boolean, maxLength: number | null = null): InputBlockElement {
  const most = Math.min(maxLength ?? MAX_TEXT, MAX_TEXT);
  return {
    type: 'plain_text_input',
    action_id: VALUE,
    ...(multiline ? { multiline: true } : {}),
    max_length: most,
    ...(typeof value === 'string' && value !== '' ? { initial_value: value.slice(0, most) } : {}),
  };
}

const asText = (value: unknown): unknown =>
  value === undefined || typeof value === 'string' ? value : JSON.stringify(value);

const ELEMENTS: Readonly<Record<Exclude<FieldKind['kind'], 'group'>, Draw>> = {
  text: (field, value, names) => {
    if (field.kind !== 'text') return text(value, false);
    const picked = field.of === null ? null : menu(field.of, value === undefined ? [] : [value], names);
    return picked ?? text(value, field.multiline, field.maxLength);
  },
  list: (field, value, names) => {
    const values = Array.isArray(value) ? (value as unknown[]) : [];
    const { of, most } = field.kind === 'list' ? field : { of: null, most: null };
    const picked = of === null ? null : menu(of, values, names, most ?? MAX_OPTIONS);
    return picked ?? text(values.join('\n'), true);
  },
  document: (_, value) => text(asText(value), true),
  json: (_, value) => text(asText(value), true),
  input: (_, value) => text(asText(value), true),
  person: (_, value, names) =>
    menu('person', value === undefined ? [] : [value], names) ?? text(value, false),
  agent: (_, value, names) => menu('agent', value === undefined ? [] : [value], names) ?? text(value, false),
  moment: (_, value) => ({
    type: 'datetimepicker',
    action_id: VALUE,
    ...(typeof value === 'string' && !Number.isNaN(Date.parse(value))
      ? { initial_date_time: Math.floor(Date.parse(value) / 1000) }
      : {}),
  }),
  time: (_, value) => ({
    type: 'timepicker',
    action_id: VALUE,
    ...(typeof value === 'string' && /^\d\d:\d\d$/.test(value) ? { initial_time: value } : {}),
  }),
  number: (field, value) => {
    const { decimal, min, max } = field.kind === 'number' ? field : { decimal: true, min: null, max: null };
    const fits = typeof value === 'number' && value >= (min ?? value) && value <= (max ?? value);
    return {
      type: 'number_input',
      action_id: VALUE,
      is_decimal_allowed: decimal,
      ...(min === null ? {} : { min_value: String(min) }),
      ...(max === null ? {} : { max_value: String(max) }),
      ...(fits && NUMERAL.test(String(value)) ? { initial_value: String(value) } : {}),
    };
  },
  choice: (field, value) => {
    const options = optionsOf('choices' in field ? field.choices : []);
    const chosen = options.find((one) => one.value === value);
    return {
      type: 'static_select',
      action_id: VALUE,
      options,
      ...(chosen === undefined ? {} : { initial_option: chosen }),
    };
  },
  choices: (field, value) => several(optionsOf('choices' in field ? field.choices : []), value),
  weekdays: (_, value) => several(WEEKDAYS, Array.isArray(value) ? value.map(String) : []),
  boolean: (field, value) => {
    const yes = { text: plain(oneLine(field.label), MAX_OPTION), value: 'yes' };
    return {
      type: 'checkboxes',
      action_id: VALUE,
      options: [yes],
      ...(value === true ? { initial_options: [yes] } : {}),
    };
  },
};

/** A number as Slack writes it: never with an exponent. */
const NUMERAL = /^-?\d+(?:\.\d+)?$/;

/** By the numbers of ISO 8601: 1 is Monday. */
const WEEKDAYS: readonly PlainTextOption[] = (
  ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'] as const
).map((day, index) => ({ text: plain(day, MAX_OPTION), value: String(index + 1) }));

function several(options: readonly PlainTextOption[], value: unknown): InputBlockElement {
  const chosen = options.filter((one) => Array.isArray(value) && value.includes(one.value));
  return {
    type: 'multi_static_select',
    action_id: VALUE,
    options: [...options],
    ...(chosen.length === 0 ? {} : { initial_options: chosen }),
  };
}

const optionsOf = (choices: readonly string[]): PlainTextOption[] =>
  choices
    .slice(0, MAX_OPTIONS)
    .map((choice) => ({ text: plain(oneLine(choice), MAX_OPTION), value: choice.slice(0, MAX_VALUE) }));

/**
 * A menu that looks up what it offers, with what was given chosen in it: several where `most` is given. Null
 * where Slack's menus cannot hold that: then it is typed.
 */
function menu(
  of: Picker,
  given: readonly unknown[],
  names: Names,
  most: number | null = null,
): InputBlockElement | null {
  const chosen = given.filter((one) => typeof one === 'string').filter((one) => one !== '');
  const fits = chosen.every((one) => one.length <= MAX_VALUE);
  if (!fits || chosen.length > Math.min(most ?? 1, MAX_OPTIONS)) return null;
  const options = chosen.map((value) => ({
    text: plain(oneLine(names.get(value) ?? withNames(value.replace(/^person:/, ''), names)), MAX_OPTION),
    value,
  }));
  const asks = { action_id: pickerAction(of), min_query_length: of === 'person' ? 2 : 0 };
  if (most === null) {
    const [option] = options;
    return { type: 'external_select', ...asks, ...(option === undefined ? {} : { initial_option: option }) };
  }
  return {
    type: 'multi_external_select',
    ...asks,
    max_selected_items: Math.min(most, MAX_OPTIONS),
    ...(options.length === 0 ? {} : { initial_options: options }),
  };
}
