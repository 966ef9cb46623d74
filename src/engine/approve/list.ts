import type { Candidate } from '#domain/approval/list.ts';
import { questionsOf } from '#domain/approval/store.ts';
import type { TenantReader } from '#domain/context.ts';
import { approverFacts } from './approver-facts.ts';
import { eligibleFor } from './approvers.ts';
import { approvalViews, type ApprovalView } from './view.ts';

// The most approvals looked at for one page, and how many at a time after the first look. So a page may be
// shorter than requested although more follow: then it has a cursor.
const MOST_LOOKED_AT = 20_000;
const PIECE = 4000;

/** Where a list takes its approvals from. */
export interface ApprovalList<T> {
  readonly cursor: string | undefined;
  readonly limit: number;
  /** Who reads, if it is a person: approvals that they may decide are theirs to see. */
  readonly personId: string | null;
  /** Candidates after a cursor (an approval's id), in the list's order. */
  candidates(after: string | undefined, limit: number): Promise<Candidate[]>;
  /** What the reader sees of it; null for what they must not see. */
  see(view: ApprovalView): T | null;
}

/**
 * A page of a list of approvals. Candidates are a hint: whether somebody may see one is decided here, by what
 * is true now. `next` is the cursor, or null at the end of the list.
 */
export async function visibleApprovals<T>(
  reader: TenantReader,
  list: ApprovalList<T>,
): Promise<{ readonly page: readonly T[]; readonly next: string | null }> {
  const found: string[] = [];
  let next: string | null = null;
  let last = list.cursor;
  for (let looked = 0, size = list.limit + 1; ; size = PIECE) {
    const candidates = await list.candidates(last, size);
    const theirs = await decidableBy(reader, list.personId, candidates);
    for (const { id, certain } of candidates) {
      const shown = certain || theirs.has(id);
      if (shown && found.length === list.limit) {
        next = last ?? null;
        break;
      }
      if (shown) found.push(id);
      last = id;
    }
    looked += candidates.length;
    if (next !== null || candidates.length < size) break;
    if (looked >= MOST_LOOKED_AT) {
      next = last ?? null;
      break;
    }
  }
  const views = await approvalViews(reader, found);
  return { page: views.flatMap((view) => list.see(view) ?? []), next };
}

/** Those of the uncertain candidates that the person may decide now. A few statements for any number. */
async function decidableBy(
  reader: TenantReader,
  personId: string | null,
  candidates: readonly Candidate[],
): Promise<ReadonlySet<string>> {
  const uncertain = candidates.flatMap(({ id, certain }) => (certain ? [] : [id]));
  if (personId === null || uncertain.length === 0) return new Set();
  const asked = await questionsOf(reader, uncertain);
  const facts = await approverFacts(reader, asked);
  const mayDecide = asked.filter(({ requirements, call, escalated }) =>
    requirements.some((requirement) =>
      eligibleFor(facts, requirement, call, escalated).some((person) => person.id === personId),
    ),
  );
  return new Set(mayDecide.map(({ id }) => id));
}
