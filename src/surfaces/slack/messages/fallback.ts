import { oneLine, say } from '#lib/sanitise.ts';
import type { RichTextElement } from '@slack/types';
import type { CatalogueEntry } from '#engine/catalogue.ts';
import { labelOf, withNames } from '#engine/in-words.ts';
import { labelled, moment, words, type MessageField } from './blocks.ts';
import { shortened } from './text.ts';

/**
 * Members that are never shown in Slack, whatever a tool answers (law 12, assertion O5); save where its
 * contract says `.meta({ not_secret: true })`.
 */
const SECRET = /secret|password|token|private|credential|one_time|reset_url|reset_link|activation/i;

export type Data = Readonly<Record<string, unknown>>;

export const isData = (value: unknown): value is Data =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
export const isList = (value: unknown): value is readonly Data[] =>
  Array.isArray(value) && value.every(isData);

/** Nothing to read: no value, an empty list, or an object of nothing else. */
const isEmpty = (value: unknown): boolean =>
  value === null ||
  value === undefined ||
  value === '' ||
  (Array.isArray(value) && value.length === 0) ||
  (isData(value) && Object.values(value).every(isEmpty));

/**
 * The output's members in the order of the tool's contract (the database keeps an order of its own), without
 * those that sound like a secret.
 */
export function orderedOutput(entry: CatalogueEntry, output: Data): Data {
  const parsed = entry.tool.output.safeParse(output);
  const members = Object.entries(parsed.success ? (parsed.data as Data) : output);
  return Object.fromEntries(members.filter(([name]) => !SECRET.test(name) || isOpen(entry, name)));
}

function isOpen({ outputSchema }: CatalogueEntry, name: string): boolean {
  const properties = (outputSchema['properties'] ?? {}) as Record<string, { not_secret?: unknown }>;
  return properties[name]?.not_secret === true;
}

const PAGING = new Set(['next_cursor', 'total']);

/**
 * The single values of an output as labels and values, for a tool that does not say them itself. Yes and no
 * are left out beside anything else, and so is what is empty. `listed`: the output has lists that say what it
 * is about.
 */
export function fallbackFields(
  output: Data,
  names: ReadonlyMap<string, string>,
  listed: boolean,
): MessageField[] {
  const told = Object.entries(named(output, names) as Data).filter(
    ([name, value]) => !isList(value) && !isEmpty(value) && typeof value !== 'boolean' && !PAGING.has(name),
  );
  const kept = listed ? told.filter(([name]) => !isId(name)) : told;
  return kept.map(([name, value]) => labelled(oneLine(labelOf(name)), elements(value)));
}

const isId = (name: string): boolean => /(?:^|_)id$/.test(name);

/**
 * An id alone, or one in a pattern: `reports:usr_…`. An id within a sentence or an address is part of that.
 */
const NAMES_SOMEBODY = /^(?:[a-z_]+:)?(?:usr|agt|grp)_[0-9a-z]{26}$/;

/** The same data with names in place of ids. A member `…_id` stays: it is there to be copied. */
function named(value: unknown, names: ReadonlyMap<string, string>): unknown {
  if (typeof value === 'string') return NAMES_SOMEBODY.test(value) ? withNames(value, names) : value;
  if (Array.isArray(value)) return value.map((one) => named(one, names));
  if (!isData(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [key, isId(key) ? member : named(member, names)]),
  );
}

const TITLES = ['summary', 'name', 'display_name', 'title'];

/**
 * One item of a list on one line, for a tool that does not say it itself: its name, then what else it holds
 * that says something. What is no, zero or empty says nothing; an id stands last.
 */
export function fallbackItem(data: Data, names: ReadonlyMap<string, string>): RichTextElement[] {
  const item = named(data, names) as Data;
  const titleKey = TITLES.find((key) => typeof item[key] === 'string' && item[key] !== '');
  const rest = Object.entries(item).filter(
    ([key, value]) =>
      key !== titleKey && !SECRET.test(key) && !isEmpty(value) && value !== false && value !== 0,
  );
  const said = [...rest.filter(([key]) => !isId(key)), ...rest.filter(([key]) => isId(key))];
  const title = titleKey === undefined ? [] : [words(oneLine(String(item[titleKey])), { bold: true })];
  return [
    ...title,
    ...said.flatMap(([key, value], index) => {
      const between = index === 0 && title.length === 0 ? '' : index === 0 ? ': ' : ', ';
      const label = labelOf(key).toLowerCase();
      // A yes is said by its name alone.
      if (value === true) return [words(say`${between}${label}`)];
      return [words(say`${between}${isId(key) ? '' : `${label} `}`), ...elements(value)];
    }),
  ];
}

function elements(value: unknown): RichTextElement[] {
  if (typeof value === 'string') {
    if (/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}/.test(value) && !Number.isNaN(Date.parse(value)))
      return [moment(new Date(value))];
    return [
      words(
        oneLine(shortened(value, 500, '…')),
        /^[a-z]{2,5}_[0-9a-z]{26}$/.test(value) ? { code: true } : {},
      ),
    ];
  }
  if (Array.isArray(value))
    return [words(oneLine(value.length === 0 ? 'none' : shortened(value.map(short).join(', '), 1000, '…')))];
  return [words(oneLine(shortened(short(value), 1000, '…')))];
}

/** A value within a line: an object with a name is its name. */
function short(value: unknown): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (!isData(value)) return typeof value === 'string' || typeof value === 'number' ? `${value}` : 'none';
  if (typeof value['name'] === 'string') return value['name'];
  const visible = Object.entries(value).filter(([key, member]) => !SECRET.test(key) && !isEmpty(member));
  return (
    visible
      .map(
        ([key, member]) =>
          `${labelOf(key).toLowerCase()} ${Array.isArray(member) ? member.map(short).join(', ') : short(member)}`,
      )
      .join('; ') || 'none'
  );
}
