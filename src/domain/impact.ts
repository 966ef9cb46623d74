/** One thing that would change, in words and in data. */
export interface Change {
  readonly what: string;
  readonly from?: string;
  readonly to?: string;
}

/** What a tool would do, as approvers see it and as the approval's digest binds it (law 6). */
export interface Impact {
  readonly changes: readonly Change[];
  /** One sentence for people: "Ann Lee must enrol again; this cannot be undone." */
  readonly effect: string;
  readonly reversible: boolean;
}
