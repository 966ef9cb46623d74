export type ApprovalState =
  | 'pending'
  | 'approved'
  | 'rejected'
  | 'expired'
  | 'withdrawn'
  | 'superseded'
  | 'waived';

/**
 * Who may approve, as a policy's `@approval` names it: the principal's manager, the target's manager, the owner of the
 * target agent, members of a group by our id, everybody whose groups map to a role, one person by our id, or anybody whose groups
 * give a scope. `principal` is no approval by somebody else but the person's own confirmation, by their own hand, of what a bearer token asked
 * in their name; only what ships can ask for it.
 */
export type ApproverKind =
  | 'principal'
  | 'manager'
  | 'manager_of_target'
  | 'owner'
  | `group:${string}`
  | `role:${string}`
  | `person:${string}`
  | `anyone:${string}`;

/** One thing that a policy asks for before the call may run. All requirements that match apply. */
export interface Requirement {
  /** `@id` of the policy that asks. */
  readonly policy: string;
  readonly approver: ApproverKind;
  /** Asked instead when nobody of `approver` can decide (law 9), and in addition once the approval is escalated. */
  readonly fallback: ApproverKind | null;
  readonly quorum: number;
  /** Why, in words for people. */
  readonly reason: string;
  /** Only votes of people count who have proved themselves anew, with a second factor, for this approval. */
  readonly stepUp: boolean;
  /** Seconds until the approval expires, or null: the tenant's default. */
  readonly expiresSeconds: number | null;
}
