import type { Field, FieldKind } from './fields.ts';

/** A typed text as a field's value, or what is wrong with it. */
export type Reading = { readonly value: unknown } | { readonly problem: string };

const YES = new Set(['yes', 'true', 'on', 'y']);
const NO = new Set(['no', 'false', 'off', 'n']);

type Reader = (text: string) => Reading;

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
  json: (text) => {
    try {
      return { value: JSON.parse(text) as unknown };
    } catch {
      return { problem: 'Give JSON.' };
    }
  },
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

interface Entered {
  readonly type?: string;
  readonly value?: string | null;
  readonly selected_option?: { readonly value: string } | null;
  readonly selected_options?: readonly { readonly value: string }[];
  readonly selected_date_time?: number | null;
}

/** What was entered into a form's field (an element's state), or null where it was left empty. */
export function readEntered(field: Field, state: unknown): Reading | null {
  const entered = (state ?? {}) as Entered;
  if (entered.selected_options !== undefined) {
    const values = entered.selected_options.map((option) => option.value);
    if (field.kind === 'boolean') return { value: values.length > 0 };
    return values.length === 0 ? null : { value: values };
  }
  if (entered.selected_date_time != null)
    return { value: new Date(entered.selected_date_time * 1000).toISOString() };
  const text = entered.selected_option?.value ?? entered.value ?? null;
  return text === null || text.trim() === '' ? null : readText(field, text.trim());
}
