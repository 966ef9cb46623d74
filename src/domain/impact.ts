/** One thing that would change, in words and in data. */
export interface Change {
  readonly what: string;
  readonly from?: string;
  readonly to?: string;
}

/** What a tool would do. Approvers see it, and the approval's digest covers it (law 6). */
export interface Impact {
  readonly changes: readonly Change[];
  /** One sentence for people: "Ann Lee must enrol again." `effectWords` adds whether it can be undone. */
  readonly effect: string;
  readonly reversible: boolean;
  /** There is nothing to do, and the effect says why: whoever decides reads that first. */
  readonly nothing?: true;
}

/** The effect in words, with a warning if it cannot be undone. */
export const effectWords = ({ effect, reversible }: Pick<Impact, 'effect' | 'reversible'>): string =>
  reversible ? effect : `${effect} This cannot be undone.`;
