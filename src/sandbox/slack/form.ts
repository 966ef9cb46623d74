import type { KnownBlock } from '@slack/types';
import { elementsOf } from './blocks/check.ts';
import { holdsValue, untouched, valueOf } from './enter.ts';
import type { InputValues, SimView, Wire } from './types.ts';
import { wordsOf } from './wire.ts';

/** An interactive element with its place: where a value goes, and what people call it. */
export interface Field {
  readonly blockId: string;
  readonly actionId: string;
  readonly label: string;
  readonly element: Wire;
  /** Part of an input block: asked for when the form is sent. */
  readonly isInput: boolean;
  readonly optional: boolean;
  /**
   * Whether the app is told as soon as something is entered; of an input block only where it asks for that.
   */
  readonly tells: boolean;
}

/**
 * Every interactive element of these blocks, in reading order, those within containers and cards included.
 */
export function fieldsOf(blocks: readonly KnownBlock[]): Field[] {
  return blocks.flatMap((block): Field[] => {
    if (block.type === 'container') {
      return fieldsOf(block.child_blocks).map((field) => ({
        ...field,
        blockId: field.blockId || (block.block_id ?? ''),
      }));
    }
    return elementsOf(block as unknown as Wire).flatMap((element): Field[] => {
      if (typeof element['action_id'] !== 'string') return [];
      const isInput = block.type === 'input';
      const label = isInput ? block.label.text : wordsOf(element['text'] ?? element['placeholder']);
      const optional = isInput && block.optional === true;
      const tells = !isInput || block.dispatch_action === true;
      const [blockId, actionId] = [block.block_id ?? '', element['action_id']];
      return [{ blockId, actionId, label, element, isInput, optional, tells }];
    });
  });
}

/** What a field can be called. */
export const namesOf = ({ label, blockId, actionId }: Field): readonly string[] => [
  label,
  blockId,
  actionId,
  `${blockId}/${actionId}`,
];

/**
 * Finds the field that a person means by a label, block_id, action_id or `block_id/action_id`; throws where
 * none or several fit.
 */
export function fieldNamed(view: SimView, name: string): Field {
  const fields = fieldsOf(view.blocks).filter((field) => holdsValue(field.element));
  const found = fields.filter((field) => namesOf(field).includes(name));
  if (found.length === 1 && found[0] !== undefined) return found[0];
  const known = fields.map((field) => `"${field.label}" (${field.blockId}/${field.actionId})`).join(', ');
  throw new Error(
    `${found.length === 0 ? 'there is no' : 'there is more than one'} input "${name}" in "${view.title}". Inputs: ${known || 'none'}`,
  );
}

/**
 * `state.values` as Slack would send it: what was entered, and what was not touched. Overflow menus hold
 * nothing.
 */
export function stateValues(blocks: readonly KnownBlock[], entered: InputValues): InputValues {
  const values: InputValues = {};
  for (const { blockId, actionId, element } of fieldsOf(blocks)) {
    if (!holdsValue(element) || element['type'] === 'overflow') continue;
    (values[blockId] ??= {})[actionId] = entered[blockId]?.[actionId] ?? untouched(element);
  }
  return values;
}

type Complaint = (value: string, element: Wire) => string | false;

const COMPLAINTS: Readonly<Record<string, readonly Complaint[]>> = {
  plain_text_input: [
    (value, { min_length: min }) =>
      value.length < Number(min ?? 0) && `Please enter at least ${Number(min)} characters.`,
    (value, { max_length: max }) =>
      value.length > Number(max ?? 3000) && `Please enter no more than ${Number(max ?? 3000)} characters.`,
  ],
  email_text_input: [(value) => !/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(value) && 'Please enter a valid email.'],
  url_text_input: [(value) => !URL.canParse(value) && 'Please enter a valid URL.'],
  number_input: [(value) => Number.isNaN(Number(value)) && 'Please enter a valid number.'],
};

/** What Slack's client itself says about a form before it sends it, by block_id. */
export function clientErrors(view: SimView, values: InputValues): Record<string, string> {
  const errors: Record<string, string> = {};
  for (const { blockId, actionId, element, isInput, optional } of fieldsOf(view.blocks)) {
    const state = values[blockId]?.[actionId];
    if (!isInput || state === undefined) continue;
    const value = valueOf(state);
    const empty = value === null || value === undefined || (Array.isArray(value) && value.length === 0);
    if (empty && !optional) errors[blockId] = 'Please complete this required field.';
    if (typeof value !== 'string') continue;
    for (const complaint of COMPLAINTS[state.type] ?? []) {
      const problem = complaint(value, element);
      if (problem !== false) errors[blockId] = problem;
    }
  }
  return errors;
}
