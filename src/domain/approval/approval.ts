/** The states of an approval. Only `pending` can change. */
export type ApprovalState =
  | 'pending'
  | 'approved'
  | 'rejected'
  | 'expired'
  | 'withdrawn'
  | 'superseded'
  | 'waived';

/**
 * The approvers that a policy's `@approval` can name: the principal's manager, the target's manager,
 * the owner of the target agent, the members of a group by our id (`group:`), everyone whose groups
 * map to a role (`role:`), one person by our id (`person:`), or anyone whose groups give a scope
 * (`anyone:`). `principal` is not an approval by someone else: the person confirms a request that
 * was made with a bearer token in their name. Only the shipped policies can require it.
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

/** Every kind of approver that a policy may name, as text: all of `ApproverKind` but `principal`. */
export const APPROVER =
  /^(?:manager|manager_of_target|owner|(?:group|role):[a-z0-9_]+|person:usr_[0-9a-z]{26}|anyone:[a-z0-9][a-z0-9_.:-]{0,199})$/;

/** Something that a policy requires before a call may run. All matching requirements apply. */
export interface Requirement {
  /** `@id` of the policy that requires it. */
  readonly policy: string;
  readonly approver: ApproverKind;
  /** Asked instead if nobody of `approver` can decide (law 9), and in addition after an escalation. */
  readonly fallback: ApproverKind | null;
  readonly quorum: number;
  /** The reason, in words for people. */
  readonly reason: string;
  /** Whether only votes count for which the person signed in again, with a second factor. */
  readonly stepUp: boolean;
  /** Seconds until the approval expires. Null: the tenant's default. */
  readonly expiresSeconds: number | null;
}
