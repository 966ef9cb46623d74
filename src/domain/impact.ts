/** One thing that would change, in words and in data. */
export interface Change {
  readonly what: string;
  readonly from?: string;
  readonly to?: string;
}

/** What a tool would do, as approvers see it and as the approval's digest binds it (law 6). */
export interface Impact {
  readonly changes: readonly Change[];
  /** One sentence for people: "Ann Lee must enrol again." Whether it can be undone, `effectWords` adds. */
  readonly effect: string;
  readonly reversible: boolean;
}

/** The effect as people read it, with the warning that goes with what cannot be undone. */
export const effectWords = ({ effect, reversible }: Pick<Impact, 'effect' | 'reversible'>): string =>
  reversible ? effect : `${effect} This cannot be undone.`;
