import type { TenantReader } from '#domain/context.ts';
import { approvalViews, type ApprovalView } from './view.ts';

// The most approvals looked at for one page, and how many at a time after the first look. So a page may be
// shorter than requested although more follow: then it has a cursor.
const MOST_LOOKED_AT = 5000;
const PIECE = 500;

/**
 * A page of what `see` makes of approvals; it returns null for those that the reader must not see. `ids` finds
 * candidates after a cursor (an approval's id), in the list's order. Whether somebody may see one is decided
 * here, by what is true now: candidates are a hint. `next` is the cursor, or null at the end of the list.
 */
export async function visibleApprovals<T>(
  reader: TenantReader,
  from: {
    readonly cursor: string | undefined;
    readonly limit: number;
    ids(after: string | undefined, limit: number): Promise<string[]>;
    see(view: ApprovalView): T | null;
  },
): Promise<{ readonly page: readonly T[]; readonly next: string | null }> {
  const page: T[] = [];
  let last = from.cursor;
  for (let looked = 0; looked < MOST_LOOKED_AT;) {
    const size = looked === 0 ? from.limit + 1 : PIECE;
    const ids = await from.ids(last, size);
    for (const view of await approvalViews(reader, ids)) {
      const seen = from.see(view);
      if (seen !== null && page.length === from.limit) return { page, next: last ?? null };
      if (seen !== null) page.push(seen);
      last = view.approval.id;
    }
    if (ids.length < size) return { page, next: null };
    looked += ids.length;
  }
  return { page, next: last ?? null };
}
