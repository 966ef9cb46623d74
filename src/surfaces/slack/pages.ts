import { answerWords } from '#engine/answer-words.ts';
import type { CatalogueEntry } from '#engine/catalogue.ts';
import { isList, type Data } from './messages/fallback.ts';
import { PAGE, type Shown } from './messages/output.ts';

/**
 * The most items on one page, whatever was asked for: each has a line and a row of buttons, and Slack takes
 * 50 blocks.
 */
const MOST = 18;

/**
 * Where somebody is in a list: the cursor of each page so far, the first one's first. Of a list without
 * cursors each further page is `''`.
 */
export type Place = readonly (string | null)[];

/** The first page. */
export const FIRST: Place = [null];

/** A page of an answer. */
export interface Page {
  /** The output with that part of its list which is shown. */
  readonly output: Data;
  /** Which part that is; null where the tool has no list that is paged. */
  readonly shown: Shown | null;
  /** The place's next member, or null on the last page. */
  readonly next: string | null;
}

interface Paging {
  readonly list: string;
  readonly cursor: boolean;
  readonly size: number;
  readonly max: number | null;
}

function pagingOf({ tool, inputSchema }: CatalogueEntry, input: Data): Paging | null {
  const [first] = Object.entries(answerWords(tool).lists);
  if (first === undefined) return null;
  const [list, { whole }] = first;
  const { limit, cursor } = (inputSchema['properties'] ?? {}) as Record<
    string,
    { maximum?: number } | undefined
  >;
  const asked = input['limit'];
  return {
    list,
    cursor: cursor !== undefined && whole !== true,
    size: Math.min(typeof asked === 'number' && asked > 0 ? asked : PAGE, MOST),
    max: limit?.maximum ?? null,
  };
}

/** Where a command begins: a cursor that was typed is a place of its own. */
export const beginning = (input: Data): Place =>
  typeof input['cursor'] === 'string' ? [input['cursor']] : FIRST;

/** What the tool is asked for one page. Whatever is not a list is asked as it is. */
export function inputAt(entry: CatalogueEntry, input: Data, place: Place): Data {
  const paging = pagingOf(entry, input);
  if (paging === null) return input;
  const { cursor: _, ...rest } = input;
  if (!paging.cursor) return paging.max === null ? input : { ...input, limit: paging.max };
  const at = place.at(-1) ?? null;
  return { ...rest, limit: paging.size, ...(at === null ? {} : { cursor: at }) };
}

/** The page that the answer to `inputAt` holds. */
export function pageAt(entry: CatalogueEntry, input: Data, place: Place, output: Data): Page {
  const paging = pagingOf(entry, input);
  const items = paging === null ? undefined : output[paging.list];
  if (paging === null || !isList(items)) return { output, shown: null, next: null };
  const from = (place.length - 1) * paging.size;
  if (paging.cursor) {
    const { total, next_cursor: next } = output;
    return {
      output,
      shown: { from, total: total === null ? 'many' : typeof total === 'number' ? total : null },
      next: typeof next === 'string' ? next : null,
    };
  }
  // Of a list that goes on elsewhere, or began there, the number of all is not known.
  const part = typeof output['next_cursor'] === 'string' || typeof input['cursor'] === 'string';
  return {
    output: { ...output, [paging.list]: items.slice(from, from + paging.size) },
    shown: { from, total: part ? null : items.length },
    next: items.length > from + paging.size ? '' : null,
  };
}
