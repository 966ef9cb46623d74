import type { Fault } from '#lib/fault.ts';

/** What one run saw. `missing` names what the provider would not show, and why; it was left unchanged. */
export interface SyncReport {
  people: number;
  added: number;
  changed: number;
  groups: number;
  memberships: number;
  vanished: number;
  /**
   * People without a manager because the reference matches several people: how many, and the ids of the
   * first.
   */
  ambiguous_managers: { count: number; people: readonly string[] };
  missing: Record<string, string>;
}

// The most parts that a report names. Beyond that it only counts.
const MOST_NAMED = 20;

/** A report of nothing yet. */
export const emptyReport = (): SyncReport => ({
  people: 0,
  added: 0,
  changed: 0,
  groups: 0,
  memberships: 0,
  vanished: 0,
  ambiguous_managers: { count: 0, people: [] },
  missing: {},
});

/** Reports a person or a group that could not be read. */
export function noteUnread(report: SyncReport, what: string, fault: Pick<Fault, 'message'>): void {
  const named = Object.keys(report.missing).length;
  const { more } = report.missing;
  if (named < MOST_NAMED) report.missing[what] = fault.message;
  else report.missing['more'] = `${Number.parseInt(more ?? '0', 10) + 1} more could not be read.`;
}

/** The report of people whose manager reference matches several people. */
export const ambiguousManagers = (ids: readonly string[]): SyncReport['ambiguous_managers'] => ({
  count: ids.length,
  people: ids.slice(0, MOST_NAMED),
});
