import type { KnownBlock, RichTextElement } from '@slack/types';
import type { CatalogueEntry } from '#engine/catalogue.ts';
import { labelOf } from '#engine/in-words.ts';
import { bullets, facts, line, moment, smallPrint, words } from './blocks.ts';
import { shortened } from './text.ts';

/** Members that are never shown in Slack, whatever a tool answers (law 12, assertion O5). */
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

/** A tool's output as blocks: single values as lines, lists as bullets. Every value is literal text. */
export function outputBlocks({ tool }: CatalogueEntry, output: Data): KnownBlock[] {
  const shown = Object.entries(output).filter(
    ([name, value]) => !SECRET.test(name) && value !== null && value !== undefined && !isPaging(name),
  );
  const lists = shown.filter((pair): pair is [string, Data[]] => isList(pair[1]));
  const pairs = shown
    .filter(([, value]) => !isList(value) && typeof value !== 'boolean')
    .map(([name, value]) => [labelOf(name), elements(value)] as const);
  const blocks: KnownBlock[] = pairs.length === 0 ? [] : [facts(pairs.slice(0, 30))];
  for (const [name, items] of lists) blocks.push(...listBlocks(tool.name, name, items));
  if (output['next_cursor'] != null)
    blocks.push(smallPrint('There are more. Narrow the question, or give limit=100.'));
  return blocks.slice(0, 45);
}

const isPaging = (name: string): boolean => name === 'next_cursor';
const isData = (value: unknown): value is Data =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isList = (value: unknown): value is Data[] => Array.isArray(value) && value.every(isData);

function listBlocks(tool: string, name: string, items: readonly Data[]): KnownBlock[] {
  if (items.length === 0) return [line(words(EMPTY[tool] ?? `No ${labelOf(name).toLowerCase()}.`))];
  const rest = items.length - MAX_ITEMS;
  return [
    bullets(items.slice(0, MAX_ITEMS).map(item)),
    ...(rest > 0 ? [smallPrint(`and ${rest} more`)] : []),
  ];
}

/** One entry on one line: its name first, then everything else. */
function item(data: Data): RichTextElement[] {
  const titleKey = ['summary', 'name', 'display_name', 'title'].find((key) => typeof data[key] === 'string');
  const rest = Object.entries(data).filter(
    ([key, value]) =>
      key !== titleKey && !SECRET.test(key) && value !== null && value !== undefined && value !== '',
  );
  const title = titleKey === undefined ? [] : [words(String(data[titleKey]), { bold: true })];
  return [
    ...title,
    ...rest.flatMap(([key, value], index) => [
      words(`${index === 0 && title.length === 0 ? '' : ' · '}${labelOf(key).toLowerCase()} `),
      ...elements(value),
    ]),
  ];
}

function elements(value: unknown): RichTextElement[] {
  if (typeof value === 'string') {
    if (/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}/.test(value) && !Number.isNaN(Date.parse(value)))
      return [moment(new Date(value))];
    return [words(shortened(value, 500, '…'), /^[a-z]{2,5}_[0-9a-z]{26}$/.test(value) ? { code: true } : {})];
  }
  if (Array.isArray(value))
    return [words(value.length === 0 ? 'none' : shortened(value.map(short).join(', '), 1000, '…'))];
  return [words(shortened(short(value), 1000, '…'))];
}

/** A value within a line: an object with a name is its name. */
function short(value: unknown): string {
  if (!isData(value))
    return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
      ? `${value}`
      : 'none';
  if (typeof value['name'] === 'string') return value['name'];
  const visible = Object.entries(value).filter(([key, member]) => !SECRET.test(key) && member !== null);
  return (
    visible
      .map(
        ([key, member]) =>
          `${labelOf(key).toLowerCase()} ${Array.isArray(member) ? member.map(short).join(', ') : short(member)}`,
      )
      .join('; ') || 'none'
  );
}
