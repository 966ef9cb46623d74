/**
 * A piece of a sentence: words, a moment (shown in the reader's own time zone), a name that stands out, or a
 * text to copy.
 */
export type Part = string | Date | { readonly strong: string } | { readonly code: string };
export type Sentence = readonly Part[];

/** A name that stands out. */
export const strong = (text: string): Part => ({ strong: text });

/** A text that the reader may want to copy, as it is typed. */
export const code = (text: string): Part => ({ code: text });

/** Template tag: a sentence of our own words and of pieces. */
export const sentence = (
  strings: TemplateStringsArray,
  ...values: readonly (Part | Sentence | number)[]
): Sentence =>
  strings.flatMap((text, index) => {
    const value = values[index];
    const parts = value === undefined ? [] : typeof value === 'number' ? [String(value)] : [value].flat();
    return [text, ...parts].filter((part) => part !== '');
  });

/** "a, b and c", or with another word before the last; a dash for nothing. */
export const listed = (all: readonly string[], and = 'and'): string =>
  all.length === 0
    ? '–'
    : all.length === 1
      ? all[0]!
      : `${all.slice(0, -1).join(', ')} ${and} ${all.at(-1)!}`;

/** "1 use", "3 uses". */
export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** Who reads an answer, and what a sentence may name by it. */
export interface AnswerReader {
  readonly personId: string;
  /** What was asked, as it reached the tool. */
  readonly asked: Readonly<Record<string, unknown>>;
  /** Names for the ids of people, agents and groups in the answer. */
  readonly names: ReadonlyMap<string, string>;
}

/**
 * A button beside something that was answered. It opens a tool with some of its fields filled in, and
 * everything is decided then.
 */
export interface AnswerButton<I, O> {
  /** A verb, and what it acts on where that is not plain: "Revoke", "Use this template". */
  readonly text: string;
  /**
   * The tool that it opens, by name. One that only reads is answered at once, any other shows its preview
   * first.
   */
  readonly tool: string;
  /** Which of its fields are filled in, and with what. */
  input(item: I, reader: AnswerReader): Readonly<Record<string, unknown>>;
  /**
   * Whether it makes sense for this one; left out: always. A button that policy refuses to this reader is not
   * shown in any case.
   */
  when?(item: I, reader: AnswerReader, answer: O): boolean;
  /** Opens the form, for what the person still has to say, also where nothing is missing. */
  readonly form?: true;
  readonly danger?: true;
}

/** How one item of a list is said. */
export interface ItemWords<I, O> {
  /** What they are, in the plural, as a heading: "Mandates". */
  readonly heading: string;
  /** Whether this list is told at all for this answer; left out: yes. */
  told?(answer: O, reader: AnswerReader): boolean;
  /**
   * The tool's `cursor` counts something else than these items: one answer is taken, and paged where it is
   * shown.
   */
  readonly whole?: true;
  /** Its state in a word or two, before the sentence; left out: none. */
  state?(item: I, reader: AnswerReader): string | null;
  sentence(item: I, reader: AnswerReader): Sentence;
  /**
   * What stands here instead of an empty list: what it would show, and how to get a first one. Left out: an
   * empty list is not mentioned.
   */
  readonly empty?: string;
  /** The approval whose details its reader may open from here; null: none. */
  details?(item: I, reader: AnswerReader): string | null;
  readonly buttons?: readonly AnswerButton<I, O>[];
}

/** A label with its value. */
export type AnswerField = readonly [label: string, value: Sentence | string | null];

type ListOf<O> = {
  [K in keyof O]-?: NonNullable<O[K]> extends readonly object[] ? K : never;
}[keyof O];
type ItemOf<L> = NonNullable<L> extends readonly (infer I)[] ? I : never;

/**
 * How a tool's answer is said to people who read it; whatever it leaves out is said by the names of its
 * members.
 */
export interface AnswerWords<O> {
  /** Each list of it that is said; the first is the one that is paged. */
  readonly lists?: string extends keyof O
    ? Readonly<Record<string, ItemWords<Data, Data>>>
    : { readonly [K in ListOf<O>]?: ItemWords<ItemOf<O[K]>, O> };
  /** Its single values; one that is null is left out. */
  fields?(answer: O, reader: AnswerReader): readonly AnswerField[];
  /** Buttons below the answer as a whole. */
  readonly buttons?: readonly AnswerButton<O, O>[];
  /** A long text of it, which is shown whole: in the answer where it is short, else behind a button. */
  text?(answer: O): { readonly label: string; readonly whole: string } | null;
}

type Data = Readonly<Record<string, unknown>>;

/** A tool whose types are no longer known. */
interface Worded {
  readonly inWords?: AnswerWords<Data>;
}

/** The same of a tool whose types are no longer known. */
export interface AnyAnswerWords {
  readonly lists: Readonly<Record<string, ItemWords<Data, Data>>>;
  readonly fields: ((answer: Data, reader: AnswerReader) => readonly AnswerField[]) | null;
  readonly buttons: readonly AnswerButton<Data, Data>[];
  readonly text: ((answer: Data) => { readonly label: string; readonly whole: string } | null) | null;
}

/** How this tool's answer is said; empty where it says nothing of it. */
export function answerWords(tool: Worded): AnyAnswerWords {
  const said = tool.inWords ?? {};
  return {
    lists: said.lists ?? {},
    fields: said.fields?.bind(said) ?? null,
    buttons: said.buttons ?? [],
    text: said.text?.bind(said) ?? null,
  };
}

/** Every tool that a button of this tool's answer opens. */
export const opened = (tool: Worded): string[] => {
  const { lists, buttons } = answerWords(tool);
  return [...Object.values(lists).flatMap((one) => one.buttons ?? []), ...buttons].map((one) => one.tool);
};
