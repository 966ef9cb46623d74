import type { Catalogue } from '#engine/catalogue.ts';
import { objectIn, type Wire } from '../wire.ts';
import { blockOf, REASON_BLOCK } from './elements.ts';
import type { Field, FieldKind } from './fields.ts';
import { settledFields, type Given } from './layout.ts';

/** A typed text as a field's value, or what is wrong with it. */
export type Reading = { readonly value: unknown } | { readonly problem: string };

/** What is wrong with a field, by its path in the tool's input. */
export type Problem = readonly [path: string, problem: string];

const YES = new Set(['yes', 'true', 'on', 'y']);
const NO = new Set(['no', 'false', 'off', 'n']);

type Reader = (text: string) => Reading;

const inTheForm: Reader = () => ({ problem: 'Choose this in the form.' });

const READERS: Readonly<Record<FieldKind['kind'], Reader>> = {
  text: (text) => ({ value: text }),
  choice: (text) => ({ value: text }),
  person: (text) => ({ value: text }),
  agent: (text) => ({ value: text }),
  list: (text) => ({ value: listIn(text) }),
  choices: (text) => ({ value: listIn(text) }),
  boolean: (text) => {
    const word = text.toLowerCase();
    if (YES.has(word)) return { value: true };
    return NO.has(word) ? { value: false } : { problem: 'Say yes or no.' };
  },
  number: (text) =>
    /^-?\d{1,15}(?:\.\d{1,9})?$/.test(text) ? { value: Number(text) } : { problem: 'Give a number.' },
  moment: (text) => momentIn(text),
  time: (text) =>
    /^\d\d:\d\d$/.test(text) ? { value: text } : { problem: 'Give a time of the day, such as 08:30.' },
  weekdays: inTheForm,
  group: inTheForm,
  input: inTheForm,
  document: (text) =>
    documentIn(text, 'This is not complete. Paste all of it, from the first { to the last }.'),
  json: (text) => documentIn(text, 'Give JSON.'),
};

/** Reads a typed text for a field. Says nothing of whether the tool takes the value: its own schema does. */
export const readText = (field: Field, text: string): Reading => READERS[field.kind](text);

const listIn = (text: string): string[] =>
  text
    .split(/[,\n]/)
    .map((item) => item.trim())
    .filter((item) => item !== '');

function momentIn(text: string): Reading {
  const at = new Date(text);
  return Number.isNaN(at.getTime())
    ? { problem: 'Give a time like 2027-01-31T18:00Z.' }
    : { value: at.toISOString() };
}

function documentIn(text: string, problem: string): Reading {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return { problem };
  }
}

/** What was entered into one element of a form, as Slack reports it. */
interface Element {
  readonly type?: string;
  readonly value?: string | null;
  readonly selected_option?: { readonly value: string } | null;
  readonly selected_options?: readonly { readonly value: string }[];
  readonly selected_date_time?: number | null;
  readonly selected_time?: string | null;
}

/** What was entered into an element for a field, or null where it was left empty. */
export function readEntered(field: Field, state: unknown): Reading | null {
  const entered = (state ?? {}) as Element;
  if (entered.selected_options !== undefined) {
    const values = entered.selected_options.map((option) => option.value);
    if (field.kind === 'boolean') return { value: values.length > 0 };
    if (values.length === 0) return null;
    return { value: field.kind === 'weekdays' ? values.map(Number).sort((a, b) => a - b) : values };
  }
  if (entered.selected_date_time != null)
    return { value: new Date(entered.selected_date_time * 1000).toISOString() };
  const text = entered.selected_option?.value ?? entered.selected_time ?? entered.value ?? null;
  return text === null || text.trim() === '' ? null : readText(field, text.trim());
}

/**
 * What was entered into a field, and what is wrong with it: all members of a group together. Absent where it
 * was left empty.
 */
export interface ReadField {
  readonly value?: unknown;
  readonly problems: readonly Problem[];
}

/** Reads a field out of a form's `state.values`. */
export function readField(field: Field, values: Wire, path = field.name): ReadField {
  if (field.kind !== 'group') {
    const [state] = Object.values(objectIn(values, blockOf(path)));
    const reading = readEntered(field, state);
    if (reading === null) return { problems: [] };
    return 'problem' in reading
      ? { problems: [[path, reading.problem]] }
      : { value: reading.value, problems: [] };
  }
  const parts = field.parts.map(
    (part) => [part.name, readField(part, values, `${path}.${part.name}`)] as const,
  );
  const given = parts.flatMap(([name, { value }]) => (value === undefined ? [] : [[name, value] as const]));
  const problems = parts.flatMap(([, read]) => read.problems);
  return given.length === 0 ? { problems } : { value: Object.fromEntries(given), problems };
}

export interface Entered {
  readonly input: Given;
  readonly reason: string | null;
  readonly problems: readonly Problem[];
}

/** Everything that was entered into a form. Fields that it does not show are not among it. */
export function enteredIn(
  fields: readonly Field[],
  values: Wire,
  catalogue: Pick<Catalogue, 'get'>,
): Entered {
  const input: Record<string, unknown> = {};
  const problems: Problem[] = [];
  const take = (some: readonly Field[]): void => {
    for (const field of some) {
      const read = readField(field, values);
      problems.push(...read.problems);
      if (read.value !== undefined) input[field.name] = read.value;
    }
  };
  take(fields.filter(({ kind }) => kind !== 'input'));
  // What these are is known by what was chosen above.
  const chosen = fields.filter(({ kind }) => kind === 'input');
  take(settledFields(chosen, input, catalogue));
  const [reason] = Object.values(objectIn(values, REASON_BLOCK)) as { value?: string | null }[];
  return { input, reason: reason?.value?.trim() || null, problems };
}
