import type { Fault } from '#lib/fault.ts';

/** What one run saw. `missing` names what the provider would not show, and why: none of it was changed here. */
export interface SyncReport {
  people: number;
  added: number;
  changed: number;
  groups: number;
  memberships: number;
  vanished: number;
  /** People whose manager is nobody because the reference fits several; ids, the first few of them. */
  ambiguous_managers: { count: number; people: readonly string[] };
  missing: Record<string, string>;
}

/** Most parts that a report names; beyond them it counts. */
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

/** Notes a person or a group that could not be read. */
export function noteUnread(report: SyncReport, what: string, fault: Pick<Fault, 'message'>): void {
  const named = Object.keys(report.missing).length;
  const { more } = report.missing;
  if (named < MOST_NAMED) report.missing[what] = fault.message;
  else report.missing['more'] = `${Number.parseInt(more ?? '0', 10) + 1} more could not be read.`;
}

/** The report of managers that fit several people. */
export const ambiguousManagers = (ids: readonly string[]): SyncReport['ambiguous_managers'] => ({
  count: ids.length,
  people: ids.slice(0, MOST_NAMED),
});
