import { oneLine, say } from '#lib/sanitise.ts';
import type { KnownBlock, RichTextElement } from '@slack/types';
import type { CatalogueEntry } from '#engine/catalogue.ts';
import { labelOf, withNames } from '#engine/in-words.ts';
import { bullets, fact, facts, line, moment, smallPrint, words } from './blocks.ts';
import { shortened } from './text.ts';

/** Members that are never shown in Slack, whatever a tool answers (law 12, assertion O5); save where its contract says `.meta({ not_secret: true })`. */
const SECRET = /secret|password|token|private|credential|one_time|reset_url|reset_link|activation/i;

/** How many entries of a list are shown; the rest is counted. */
const MAX_ITEMS = 25;

/** What to do where a list is empty, by the tool's name; any other says that nothing was found. */
const EMPTY: Readonly<Record<string, string>> = {
  mandate_list: 'No mandates. Give one to an agent with /mandate create.',
  agent_list: 'No agents yet. An IT admin registers one with /agent register.',
  approval_list: 'Nothing waits for your decision, and nothing that you asked for waits.',
  okta_find_user: 'Nobody found. Try the beginning of the name, the login or the email address.',
};

type Data = Readonly<Record<string, unknown>>;

/**
 * A tool's output as blocks, in the order of its own contract: single values as lines, lists as bullets. An empty list is left out
 * beside anything else. `names` stand in place of ids, save where the member is an id for copying. Every value is literal text.
 */
export function outputBlocks(
  entry: CatalogueEntry,
  output: Data,
  names: ReadonlyMap<string, string>,
): KnownBlock[] {
  const { tool } = entry;
  // The database keeps members in an order of its own; parsing restores the contract's.
  const ordered = tool.output.safeParse(output);
  const told = Object.entries(named(ordered.success ? ordered.data : output, names) as Data).filter(
    ([name, value]) =>
      (!SECRET.test(name) || isOpen(entry, name)) && value !== null && value !== undefined && !isPaging(name),
  );
  const full = told.filter(([, value]) => !isEmpty(value));
  const shown = full.some(([, value]) => typeof value !== 'boolean') ? full : told;
  const lists = shown.filter((pair): pair is [string, Data[]] => isList(pair[1]));
  const pairs = shown
    .filter(([, value]) => !isList(value) && typeof value !== 'boolean')
    .map(([name, value]) => fact(oneLine(labelOf(name)), elements(value)));
  const blocks: KnownBlock[] = pairs.length === 0 ? [] : [facts(pairs.slice(0, 30))];
  for (const [name, items] of lists) blocks.push(...listBlocks(tool.name, name, items));
  if (output['next_cursor'] != null)
    blocks.push(smallPrint(say`There are more. Narrow the question, or give limit=100.`));
  return blocks.slice(0, 45);
}

/** An id alone, or one in a pattern: `reports:usr_…`. An id within a sentence or an address is part of that. */
const NAMES_SOMEBODY = /^(?:[a-z_]+:)?(?:usr|agt)_[0-9a-z]{26}$/;

/** The same data with names in place of ids. A member `…_id` stays: it is there to be copied. */
function named(value: unknown, names: ReadonlyMap<string, string>): unknown {
  if (typeof value === 'string') return NAMES_SOMEBODY.test(value) ? withNames(value, names) : value;
  if (Array.isArray(value)) return value.map((one) => named(one, names));
  if (!isData(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [
      key,
      /(?:^|_)id$/.test(key) ? member : named(member, names),
    ]),
  );
}

function isOpen({ outputSchema }: CatalogueEntry, name: string): boolean {
  const properties = (outputSchema['properties'] ?? {}) as Record<string, { not_secret?: unknown }>;
  return properties[name]?.not_secret === true;
}

const isPaging = (name: string): boolean => name === 'next_cursor';
const isData = (value: unknown): value is Data =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
/** Nothing to read: no value, an empty list, or an object of nothing else. */
const isEmpty = (value: unknown): boolean =>
  value === null ||
  value === undefined ||
  (Array.isArray(value) && value.length === 0) ||
  (isData(value) && Object.values(value).every(isEmpty));
const isList = (value: unknown): value is Data[] => Array.isArray(value) && value.every(isData);

function listBlocks(tool: string, name: string, items: readonly Data[]): KnownBlock[] {
  if (items.length === 0) return [line(words(oneLine(EMPTY[tool] ?? `${labelOf(name)}: none.`)))];
  const rest = items.length - MAX_ITEMS;
  return [
    bullets(items.slice(0, MAX_ITEMS).map(item)),
    ...(rest > 0 ? [smallPrint(say`and ${rest} more`)] : []),
  ];
}

/** One entry on one line: its name first, then everything else. */
function item(data: Data): RichTextElement[] {
  const titleKey = ['summary', 'name', 'display_name', 'title'].find((key) => typeof data[key] === 'string');
  const rest = Object.entries(data).filter(
    ([key, value]) => key !== titleKey && !SECRET.test(key) && value !== '' && !isEmpty(value),
  );
  const title = titleKey === undefined ? [] : [words(oneLine(String(data[titleKey])), { bold: true })];
  return [
    ...title,
    ...rest.flatMap(([key, value], index) => [
      words(say`${index === 0 && title.length === 0 ? '' : ' · '}${labelOf(key).toLowerCase()} `),
      ...elements(value),
    ]),
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
  if (!isData(value))
    return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
      ? `${value}`
      : 'none';
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
