/** How many of everything a filled company has, besides what it had before. */
export interface CompanySize {
  readonly people: number;
  /** Two of them have every person as a member. At least three. */
  readonly groups: number;
  /** Groups that give a role and scopes; one of the two large ones is among them. */
  readonly mappedGroups: number;
  readonly agents: number;
  /**
   * In every state. Fifteen in a hundred are frozen, fifteen have ended, a fifth stand in trees of depth 3.
   */
  readonly mandates: number;
  /** Approvals that wait for somebody. */
  readonly waiting: number;
  /** Calls that have ended. */
  readonly calls: number;
  /** Ledger entries. There are more if what is above has more to tell. */
  readonly entries: number;
}

/** A company of real size. */
export const LARGE: CompanySize = {
  people: 20_000,
  groups: 2000,
  mappedGroups: 200,
  agents: 2000,
  mandates: 100_000,
  waiting: 10_000,
  calls: 200_000,
  entries: 1_000_000,
};

/** A company about as large as the sample company, of the same shape. */
export const SMALL: CompanySize = {
  people: 20,
  groups: 6,
  mappedGroups: 3,
  agents: 10,
  mandates: 100,
  waiting: 10,
  calls: 100,
  entries: 500,
};

/** A company with this share of each number, but nothing below that of the small company. */
export const sized = (size: CompanySize, share: number): CompanySize => {
  const of = (name: keyof CompanySize) => Math.max(SMALL[name], Math.round(size[name] * share));
  return {
    people: of('people'),
    groups: of('groups'),
    mappedGroups: of('mappedGroups'),
    agents: of('agents'),
    mandates: of('mandates'),
    waiting: of('waiting'),
    calls: of('calls'),
    entries: of('entries'),
  };
};
