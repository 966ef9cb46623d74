import { oneLine, say } from '#lib/sanitise.ts';
import type { InputBlock, InputBlockElement, KnownBlock, ModalView, PlainTextOption } from '@slack/types';
import { words as commandWords, type CatalogueEntry } from '#engine/catalogue.ts';
import { labelOf } from '#engine/in-words.ts';
import { fact, facts, line, plain, words } from '../messages/blocks.ts';
import type { Field, FieldKind } from './fields.ts';

/** Names of what people see in place of ids: a person's or agent's display name. */
export type Names = ReadonlyMap<string, string>;

export const FORM_CALLBACK = 'prokura.form';
export const DENY_CALLBACK = 'prokura.deny';

/** The block of a field; errors are shown at it. The reason is not a field of most tools, and has a block of its own. */
export const blockOf = (field: string): string => `field.${field}`;
export const REASON_BLOCK = blockOf('reason');

export interface FormState {
  /** What was understood so far, by field. */
  readonly input: Readonly<Record<string, unknown>>;
  readonly reason: string | null;
  /** What is still wanting, shown above the fields. */
  readonly problems: readonly string[];
  readonly names: Names;
}

/** A tool's input as a modal, prefilled. `draftId` is all that `private_metadata` holds. */
export function formView(
  entry: CatalogueEntry,
  fields: readonly Field[],
  draftId: string,
  state: FormState,
): ModalView {
  const { tool } = entry;
  const changes = tool.effects === 'write' || tool.effects === 'act';
  const gap = fields.find((field) => field.required && state.input[field.name] === undefined);
  const inputs = fields.map((field) => inputBlock(field, state, field === gap));
  const reason =
    changes && !fields.some((field) => field.name === 'reason') ? [reasonBlock(state.reason)] : [];
  const wanting =
    state.problems.length === 0
      ? []
      : [line(words(say`Still to be said: ${state.problems.join('; ')}.`, { bold: true }))];
  const about: KnownBlock = line(
    ...(formTitle(tool) === tool.title ? [] : [words(say`${tool.title}. `, { bold: true })]),
    words(oneLine(tool.description)),
  );
  return {
    type: 'modal',
    callback_id: FORM_CALLBACK,
    title: plain(oneLine(formTitle(tool)), MAX_TITLE),
    submit: plain(changes ? 'Send request' : 'Show', 24),
    close: plain('Cancel', 24),
    private_metadata: draftId,
    blocks: [about, ...wanting, ...inputs, ...reason],
  };
}

/** The longest title of a modal (docs.slack.dev/reference/views/modal-views). */
const MAX_TITLE = 24;

/** A title that fits whole: the tool's own, or the words of its command; the form then begins with the tool's own. */
function formTitle({ title, command }: Pick<CatalogueEntry['tool'], 'title' | 'command'>): string {
  if (title.length <= MAX_TITLE) return title;
  const path = command === undefined ? '' : commandWords(command).slice(1);
  return path === '' || path.length > MAX_TITLE ? 'Request' : labelOf(path);
}

export const INSTEAD_BLOCK = blockOf('instead');
export const INSTEAD_DAYS_BLOCK = blockOf('instead_days');

/**
 * The form that a denial needs: why, for the requester, and what would be acceptable instead. `days` is for how long a mandate was
 * asked, so that fewer can be suggested; null where nothing of the kind was asked.
 */
export function denyView(draftId: string, summary: string, days: number | null): ModalView {
  return {
    type: 'modal',
    callback_id: DENY_CALLBACK,
    title: plain('Deny', 24),
    submit: plain('Deny', 24),
    close: plain('Cancel', 24),
    private_metadata: draftId,
    blocks: [
      facts([fact('Request', [words(oneLine(summary))])]),
      {
        type: 'input',
        block_id: REASON_BLOCK,
        label: plain('Why?'),
        hint: plain('The requester will read this.'),
        element: {
          type: 'plain_text_input',
          action_id: 'value',
          multiline: true,
          min_length: 3,
          max_length: 1000,
          focus_on_load: true,
        },
      },
      {
        type: 'input',
        block_id: INSTEAD_BLOCK,
        label: plain('Suggest instead'),
        hint: plain('What you would approve. The requester will read this too.'),
        optional: true,
        element: { type: 'plain_text_input', action_id: 'value', min_length: 3, max_length: 1000 },
      },
      ...(days === null || days < 2 ? [] : [fewerDays(days)]),
    ],
  };
}

export const NOTE_BLOCK = blockOf('note');

/** A word for the requester that goes with an approval. */
export const noteBlock = (): InputBlock => ({
  type: 'input',
  block_id: NOTE_BLOCK,
  label: plain('Note'),
  hint: plain('The requester will read this.'),
  optional: true,
  element: { type: 'plain_text_input', action_id: 'value', multiline: true, max_length: 1000 },
});

const fewerDays = (days: number): InputBlock => ({
  type: 'input',
  block_id: INSTEAD_DAYS_BLOCK,
  label: plain('Suggest fewer days'),
  hint: plain(say`${days} were asked. The requester can ask for exactly that with one command.`),
  optional: true,
  element: {
    type: 'number_input',
    action_id: 'value',
    is_decimal_allowed: false,
    min_value: '1',
    max_value: String(days - 1),
  },
});

/** What the element itself does not say. */
const HOW: Readonly<Partial<Record<FieldKind['kind'], string>>> = {
  list: 'One a line, or with commas.',
  json: 'As JSON.',
  person: 'Type the beginning of a name.',
  agent: 'Type a part of its name.',
};

/** A field as an input, filled with what the state says of it. */
export function inputBlock(
  field: Field,
  { input, names }: Pick<FormState, 'input' | 'names'>,
  focus: boolean,
): InputBlock {
  const element: InputBlockElement = ELEMENTS[field.kind](field, input[field.name] ?? field.preset, names);
  return {
    type: 'input',
    block_id: blockOf(field.name),
    label: plain(oneLine(field.label), 2000),
    hint: plain(say`${field.description} ${HOW[field.kind] ?? ''}`, 2000),
    // A box that is not ticked is an answer too.
    optional: !field.required || field.kind === 'boolean',
    element: focus ? Object.assign(element, { focus_on_load: true }) : element,
  };
}

const reasonBlock = (reason: string | null): InputBlock => ({
  type: 'input',
  block_id: REASON_BLOCK,
  label: plain('Reason'),
  hint: plain('Approvers and auditors read it.'),
  optional: true,
  element: {
    type: 'plain_text_input',
    action_id: 'value',
    multiline: true,
    max_length: 3000,
    ...(reason === null ? {} : { initial_value: reason }),
  },
});

type Draw = (field: Field, value: unknown, names: Names) => InputBlockElement;

const ELEMENTS: Readonly<Record<FieldKind['kind'], Draw>> = {
  text: (field, value) => ({
    type: 'plain_text_input',
    action_id: 'value',
    ...('multiline' in field && field.multiline ? { multiline: true } : {}),
    max_length: Math.min(('maxLength' in field ? field.maxLength : null) ?? 3000, 3000),
    ...initialText(value),
  }),
  json: (_, value) => ({
    type: 'plain_text_input',
    action_id: 'value',
    multiline: true,
    ...initialText(value === undefined ? undefined : JSON.stringify(value)),
  }),
  list: (_, value) => ({
    type: 'plain_text_input',
    action_id: 'value',
    multiline: true,
    ...initialText(Array.isArray(value) ? value.join('\n') : value),
  }),
  moment: (_, value) => ({
    type: 'datetimepicker',
    action_id: 'value',
    ...(typeof value === 'string' ? { initial_date_time: Math.floor(Date.parse(value) / 1000) } : {}),
  }),
  number: (field, value) => ({
    type: 'number_input',
    action_id: 'value',
    is_decimal_allowed: 'decimal' in field && field.decimal,
    ...('min' in field && field.min !== null ? { min_value: String(field.min) } : {}),
    ...('max' in field && field.max !== null ? { max_value: String(field.max) } : {}),
    ...(typeof value === 'number' ? { initial_value: String(value) } : {}),
  }),
  choice: (field, value) => {
    const options = optionsOf(field);
    const chosen = options.find((one) => one.value === value);
    return {
      type: 'static_select',
      action_id: 'value',
      options,
      ...(chosen === undefined ? {} : { initial_option: chosen }),
    };
  },
  choices: (field, value) => {
    const options = optionsOf(field);
    const chosen = options.filter((one) => Array.isArray(value) && value.includes(one.value));
    return {
      type: 'multi_static_select',
      action_id: 'value',
      options,
      ...(chosen.length === 0 ? {} : { initial_options: chosen }),
    };
  },
  boolean: (field, value) => {
    const yes = { text: plain(oneLine(field.label), 75), value: 'yes' };
    return {
      type: 'checkboxes',
      action_id: 'value',
      options: [yes],
      ...(value === true ? { initial_options: [yes] } : {}),
    };
  },
  person: (_, value, names) => external('prokura.person', value, names),
  agent: (_, value, names) => external('prokura.agent', value, names),
};

const initialText = (value: unknown): { initial_value?: string } =>
  typeof value === 'string' && value !== '' ? { initial_value: value.slice(0, 3000) } : {};

function optionsOf(field: Field): PlainTextOption[] {
  const choices = 'choices' in field ? field.choices : [];
  return choices
    .slice(0, 100)
    .map((choice) => ({ text: plain(oneLine(choice), 75), value: choice.slice(0, 150) }));
}

function external(actionId: string, value: unknown, names: Names): InputBlockElement {
  const chosen =
    typeof value === 'string' && value !== '' && value.length <= 150
      ? { initial_option: { text: plain(oneLine(names.get(value) ?? value), 75), value } }
      : {};
  return {
    type: 'external_select',
    action_id: actionId,
    min_query_length: 2,
    ...chosen,
  };
}
