import { sql, type SQL } from 'drizzle-orm';
import { z } from 'zod';
import { Fault } from '#lib/fault.ts';
import type { IdPrefix } from '#lib/id.ts';
import type { TenantReader } from './context.ts';

/**
 * The field in which a caller sends the cursor of a list: the id of the last thing on the page before. It
 * stays good when things come and go, and that thing too. What is no id of this kind is refused, instead of
 * being compared with ids as if it were one. Callers need not know what a cursor is.
 */
export const cursorField = (prefix: IdPrefix) =>
  z
    .string()
    .regex(new RegExp(`^${prefix}_[0-9a-z]{26}$`), 'must be the next_cursor of a page of this list')
    .optional()
    .describe('next_cursor from the previous page.');

/** The page of `limit` rows, and its cursor: null where `rows` holds no row more than the page. */
export function cutPage<T extends { readonly id: string }>(
  rows: readonly T[],
  limit: number,
): { readonly page: readonly T[]; readonly next: string | null } {
  const page = rows.slice(0, limit);
  return { page, next: rows.length > limit ? (page.at(-1)?.id ?? null) : null };
}

/**
 * The cursor of a list that is not ordered by ids: the place of the last thing on the page. It stays good
 * when that thing goes.
 */
export const placeCursor = (place: readonly string[]): string =>
  Buffer.from(JSON.stringify(place)).toString('base64url');

/** The place that a `placeCursor` of so many parts means. Throws Fault `invalid_input` for anything else. */
export function readPlace(cursor: string, parts: number): readonly string[] {
  const place = placeIn(cursor);
  if (place?.length !== parts)
    throw new Fault(
      'invalid_input',
      'This cursor is not from this list. Leave it out to start from the beginning.',
    );
  return place;
}

function placeIn(cursor: string): readonly string[] | null {
  try {
    const read = z.array(z.string()).safeParse(JSON.parse(Buffer.from(cursor, 'base64url').toString()));
    return read.success ? read.data : null;
  } catch {
    return null;
  }
}

/**
 * A name of ours, such as a state, as part of a statement's text. The planner then knows which it is: of a
 * parameter it may assume that every row has it, and walk through all rows in the list's order. Throws for
 * anything that is no such name.
 */
export function literal(name: string): SQL {
  if (!/^[a-z_]+$/.test(name)) throw new Error('not a name of ours');
  return sql.raw(`'${name}'`);
}

/** The most that lists count: beyond it, counting would cost more than the page. */
export const MOST_COUNTED = 1000;

/** The field of how many things a list has on all its pages. */
export const totalField = z
  .number()
  .int()
  .nullable()
  .describe('How many there are in all pages; null if there are more than 1,000.');

/** How many rows a `select` has; null for more than `MOST_COUNTED`. It reads no row beyond that. */
export async function countUpTo(reader: TenantReader, select: SQL): Promise<number | null> {
  const [row] = await reader.db.execute<{ count: number }>(
    sql`select count(*)::int as count from (${select} limit ${MOST_COUNTED + 1}) as counted`,
  );
  const count = row?.count ?? 0;
  return count > MOST_COUNTED ? null : count;
}
