import { oneLine, say, type Line } from '#lib/sanitise.ts';
import type { Button, KnownBlock, RichTextElement } from '@slack/types';
import {
  answerWords,
  type AnswerButton,
  type AnswerField,
  type AnswerReader,
  type ItemWords,
  type Sentence,
} from '#engine/answer-words.ts';
import { MOST_COUNTED } from '#domain/paging.ts';
import type { CatalogueEntry } from '#engine/catalogue.ts';
import { labelOf } from '#engine/in-words.ts';
import {
  actions,
  bullets,
  fieldLines,
  labelled,
  line,
  moment,
  smallPrint,
  textBlocks,
  words,
  type MessageField,
} from './blocks.ts';
import { fallbackFields, fallbackItem, isData, isList, orderedOutput, type Data } from './fallback.ts';

/** How many items of the list that is paged stand on one page, and how many of any other list are shown. */
export const PAGE = 10;
const OTHERS = 5;
/** How many items stand in a list that has neither pages nor buttons. */
const MAX_ITEMS = 25;
/** A text of at most so many characters stands in the answer itself. */
const SHORT_TEXT = 8000;
/** Slack takes 50 blocks; the opening and the foot need some. */
const MAX_BLOCKS = 46;

/** A button that was filled in for something in an answer. */
export interface Filled {
  readonly text: string;
  readonly tool: string;
  readonly input: Data;
  /** Why it is asked, where the person has said so already. */
  readonly reason?: string | null;
  readonly form: boolean;
  readonly danger: boolean;
  /** Instead of a tool: the approval whose details it opens. */
  readonly details?: string;
}

/** Which part of the paged list is shown. */
export interface Shown {
  /** The place of the first item, from 0. */
  readonly from: number;
  /** How many there are in all: `many` where they are not counted, null where the tool does not say. */
  readonly total: number | 'many' | null;
}

interface Item {
  readonly elements: readonly RichTextElement[];
  readonly buttons: readonly Filled[];
}

interface List {
  readonly heading: Line;
  readonly items: readonly Item[];
  /** In place of an empty list. */
  readonly empty: Line | null;
  readonly more: number;
}

/** An answer, ready to be drawn: everything that it says, and the buttons that it could have. */
export interface Told {
  readonly fields: readonly MessageField[];
  readonly lists: readonly List[];
  readonly buttons: readonly Filled[];
  readonly text: { readonly label: Line; readonly whole: string } | null;
}

/**
 * A tool's output in words, as the tool itself says them, or by the names of its members where it does not.
 * `shown` is which part of its paged list `output` holds; null: all of it. Members that sound like a secret
 * are left out (law 12, assertion O5).
 */
export function tell(entry: CatalogueEntry, output: Data, reader: AnswerReader, shown: Shown | null): Told {
  const { lists, fields: own, buttons, text } = answerWords(entry.tool);
  const ordered = orderedOutput(entry, output);
  const keys = [...new Set([...Object.keys(lists), ...Object.keys(ordered)])];
  const [paged] = Object.keys(lists);
  const drawn = keys.flatMap((key) => {
    const items = ordered[key];
    if (!isList(items)) return [];
    const said = lists[key];
    if (said?.told?.(ordered, reader) === false) return [];
    const one = listOf(key, items, said, { answer: ordered, reader, shown: key === paged ? shown : null });
    return one === null ? [] : [one];
  });
  const pairs =
    own === null
      ? fallbackFields(ordered, reader.names, Object.keys(lists).length > 0)
      : own(ordered, reader).flatMap(fieldOf);
  const whole = text?.(ordered) ?? null;
  const lone = drawn.filter((one) => one.items.length > 0);
  return {
    fields: pairs,
    // Beside anything else, a list that is empty and has nothing to say is not mentioned.
    lists: drawn.filter(
      (one) => one.items.length > 0 || one.empty !== null || (lone.length === 0 && pairs.length === 0),
    ),
    buttons: buttons.flatMap((button) => filled(button, ordered, ordered, reader)),
    text: whole === null ? null : { label: oneLine(whole.label), whole: whole.whole },
  };
}

interface Around {
  readonly answer: Data;
  readonly reader: AnswerReader;
  readonly shown: Shown | null;
}

function listOf(
  key: string,
  items: readonly Data[],
  said: ItemWords<Data, Data> | undefined,
  { answer, reader, shown }: Around,
): List | null {
  const label = said?.heading ?? labelOf(key);
  if (items.length === 0) {
    if (said === undefined) return { heading: oneLine(label), items: [], empty: null, more: 0 };
    return said.empty === undefined
      ? null
      : { heading: oneLine(label), items: [], empty: oneLine(said.empty), more: 0 };
  }
  const most =
    shown !== null
      ? items.length
      : said?.buttons === undefined && said?.details === undefined
        ? MAX_ITEMS
        : OTHERS;
  const visible = items.slice(0, most);
  return {
    heading: shown === null ? oneLine(label) : say`${label} · ${rangeOf(shown, items.length)}`,
    items: visible.map((item) => ({
      elements: said === undefined ? fallbackItem(item, reader.names) : itemElements(said, item, reader),
      buttons: [
        ...detailsOf(said?.details?.(item, reader) ?? null),
        ...(said?.buttons ?? []).flatMap((button) => filled(button, item, answer, reader)),
      ],
    })),
    empty: null,
    more: items.length - visible.length,
  };
}

const detailsOf = (approvalId: string | null): Filled[] =>
  approvalId === null
    ? []
    : [{ text: 'Details', tool: '', input: {}, form: false, danger: false, details: approvalId }];

/** "1–10 of 43". */
function rangeOf({ from, total }: Shown, count: number): string {
  const all = total === 'many' ? `more than ${MOST_COUNTED.toLocaleString('en')}` : total;
  return `${from + 1}–${from + count}${all === null ? '' : ` of ${all}`}`;
}

function itemElements(said: ItemWords<Data, Data>, item: Data, reader: AnswerReader): RichTextElement[] {
  const state = said.state?.(item, reader) ?? null;
  return [
    ...(state === null ? [] : [words(say`${state}`, { bold: true }), words(' · ')]),
    ...elementsOf(said.sentence(item, reader)),
  ];
}

/** A sentence's pieces as Slack draws them; every text of it is literal. */
export const elementsOf = (parts: Sentence): RichTextElement[] =>
  parts.map((part) => {
    if (typeof part === 'string') return words(oneLine(part));
    if (part instanceof Date) return moment(part);
    return 'strong' in part
      ? words(oneLine(part.strong), { bold: true })
      : words(oneLine(part.code), { code: true });
  });

const fieldOf = ([label, value]: AnswerField): MessageField[] =>
  value === null || value === undefined || value === ''
    ? []
    : [labelled(oneLine(label), typeof value === 'string' ? [words(oneLine(value))] : elementsOf(value))];

function filled(button: AnswerButton<Data, Data>, item: Data, answer: Data, reader: AnswerReader): Filled[] {
  if (button.when?.(item, reader, answer) === false) return [];
  const { text, tool, form = false, danger = false } = button;
  return [{ text, tool, input: button.input(item, reader), form, danger }];
}

/** Every button that the answer could have. */
export const buttonsIn = ({ lists, buttons }: Told): readonly Filled[] => [
  ...lists.flatMap(({ items }) => items.flatMap((item) => item.buttons)),
  ...buttons,
];

/**
 * Draws it. `buttonOf` makes a button of what was filled in, or null where it is not to be shown;
 * `textButton` opens a long text.
 */
export function drawTold(
  { fields: pairs, lists, buttons, text }: Told,
  buttonOf: (filled: Filled) => Button | null,
  textButton: ((label: Line) => Button) | null = null,
): KnownBlock[] {
  const row = (all: readonly Filled[]): KnownBlock[] => {
    const shown = all.map(buttonOf).filter((one) => one !== null);
    return shown.length === 0 ? [] : [actions(...shown)];
  };
  const blocks: KnownBlock[] = pairs.length === 0 ? [] : [fieldLines(pairs.slice(0, 30))];
  for (const { heading, items, empty, more } of lists) {
    if (items.length === 0) {
      blocks.push(line(words(empty ?? say`${heading}: none.`)));
      continue;
    }
    blocks.push(line(words(heading, { bold: true })));
    const rows = items.map((item) => ({ ...item, row: row(item.buttons) }));
    if (rows.every((one) => one.row.length === 0)) blocks.push(bullets(rows.map(({ elements }) => elements)));
    else for (const one of rows) blocks.push(line(...one.elements), ...one.row);
    if (more > 0) blocks.push(smallPrint(say`and ${more} more`));
  }
  const inline =
    text !== null && text.whole.length <= SHORT_TEXT && lists.every(({ items }) => items.length === 0);
  if (text !== null && inline)
    blocks.push(line(words(text.label, { bold: true })), ...textBlocks(text.whole));
  const below = [
    ...buttons.map(buttonOf),
    text === null || inline || textButton === null ? null : textButton(text.label),
  ].filter((one) => one !== null);
  if (below.length > 0) blocks.push(actions(...below));
  return blocks.slice(0, MAX_BLOCKS);
}

/**
 * A tool's output as blocks without buttons or pages: for what is told later, to somebody who may not be the
 * one who asked. `names` stand in place of ids.
 */
export const outputBlocks = (
  entry: CatalogueEntry,
  output: Data,
  names: ReadonlyMap<string, string>,
): KnownBlock[] =>
  isData(output) ? drawTold(tell(entry, output, { personId: '', asked: {}, names }, null), () => null) : [];
