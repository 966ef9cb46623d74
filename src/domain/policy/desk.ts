import type { ApproverKind, Requirement } from '../approval/approval.ts';

/** A call that another policy text would have decided differently. */
export interface Difference {
  readonly callId: string;
  readonly tool: string;
  readonly summary: string;
  readonly at: string;
  /** In words: `allowed`, `allowed after approval (policy)`, `denied (code)`. */
  readonly now: string;
  readonly otherwise: string;
}

/** The result of a dry run: recent calls, decided again with today's data under both texts. */
export interface DryRun {
  readonly days: number;
  /** How many calls were decided again, at most 2,000: all of them, or every nth. */
  readonly calls: number;
  /** How many calls there were in these days. */
  readonly total: number;
  /** Whether there were more calls than were decided. */
  readonly cut: boolean;
  /** Calls whose tool or target no longer exists. */
  readonly gone: number;
  readonly different: number;
  /** The first fifty. */
  readonly differences: readonly Difference[];
}

/** The parts of a policy that a reader of the whole set needs. */
export interface PolicyOutline {
  readonly id: string;
  readonly effect: 'permit' | 'forbid';
  readonly reason: string | null;
  readonly requirement: Requirement | null;
  /** Whom it permits, in words; null where it does not say, and for one that permits nothing. */
  readonly allows: string | null;
  /** It permits nothing by itself: it only asks for an approval of what another policy permits. */
  readonly addsOnly: boolean;
  /** Titles of the tools of which it speaks; null: of all. */
  readonly tools: readonly string[] | null;
  /** The kind of target of which it speaks: `Person`, `Mandate`, …; null: every kind. */
  readonly target: string | null;
  /** Its own Cedar text, whole. */
  readonly text: string;
  /** Whether it ships with the product and no tenant's text can remove it. */
  readonly stays: boolean;
}

/**
 * One requirement to change without the rest of a text: for which action, in which cases, and what is asked
 * then.
 */
export interface RequirementChange {
  /** The name of a tool. */
  readonly action: string;
  /** Whose requests: `people` themselves, `agents` and clients that act for them, or `api_keys`. */
  readonly askedBy: 'everybody' | 'people' | 'agents' | 'api_keys';
  /** Only where the person who asks, or for whom an agent asks, holds this role; null: any. */
  readonly role: string | null;
  /** Only on targets of this kind; null: any. */
  readonly target: 'Person' | 'Agent' | 'Mandate' | 'Approval' | 'Tenant' | null;
  /**
   * What is asked. Null: nobody must approve. `as_before`: an earlier change of the same cases is taken back.
   */
  readonly approval:
    | {
        readonly approver: ApproverKind;
        readonly fallback: ApproverKind | null;
        readonly quorum: number;
        readonly stepUp: boolean;
        readonly reason: string;
      }
    | 'as_before'
    | null;
}

/** What a change of one requirement makes of the policies in force. */
export interface ChangedRequirement {
  /** The version in force, which is the way back. */
  readonly version: number;
  /** The whole new text; it has been validated. */
  readonly text: string;
  readonly title: string;
  /** What is asked in these cases now, and what would be; without what stays. */
  readonly before: readonly Requirement[];
  readonly after: readonly Requirement[];
  /** What is asked in some of these cases whatever an organisation sets. */
  readonly stays: readonly Requirement[];
  /** Whether the organisation has no text of its own yet: from then on it has. */
  readonly first: boolean;
}

/** Who could use a tool on a target. */
export interface WhoCan {
  readonly people: readonly {
    readonly id: string;
    readonly name: string;
    readonly roles: readonly string[];
    readonly policies: readonly string[];
    readonly approvals: readonly Requirement[];
    /**
     * Why it would be refused although policy allows it: nobody could approve it at this moment.
     * Null: someone could, or no approval is needed.
     */
    readonly blocked: string | null;
  }[];
  readonly agents: readonly {
    readonly agentId: string;
    readonly mandateId: string;
    readonly principalId: string;
    readonly policies: readonly string[];
    readonly approvals: readonly Requirement[];
    readonly blocked: string | null;
  }[];
  /** The number of people and mandates that were checked: only those whom a policy could mean. */
  readonly askedPeople: number;
  readonly askedMandates: number;
  /** Pass it to check the rest. Null: there is no more. */
  readonly nextCursor: string | null;
  /**
   * For a past time: what was reconstructed from the ledger, what is today's data, and the last
   * entry that counted.
   */
  readonly reconstructed: {
    readonly at: string;
    readonly fromSeq: number;
    readonly ledger: readonly string[];
    readonly today: readonly string[];
  } | null;
}

/** What governance tools may ask the engine about policies. Nothing is changed. */
export interface PolicyDesk {
  /** The full text of the policies that ship with the product. */
  readonly shipped: string;
  /**
   * What is in force in this tenant now. `problem`: why its text cannot be used, in Cedar's words;
   * then only the policies that no tenant can remove decide.
   */
  inForce(): Promise<{
    version: number;
    text: string;
    policies: readonly PolicyOutline[];
    problem: string | null;
    singleAdmin: boolean;
  }>;
  /**
   * Validates a text as this tenant's policy and returns its SHA-256. An empty text means the
   * shipped policies. Fault `invalid_input` with Cedar's own words.
   */
  check(text: string): Promise<{ digest: string; policies: readonly PolicyOutline[] }>;
  /**
   * The text in force with one requirement changed, validated. Fault `not_found` for an action that is not
   * there, `invalid_input` where nothing would change, where it would keep IT admins from changing the
   * policies, or where an approval of the action means nothing.
   */
  withRequirement(change: RequirementChange): Promise<ChangedRequirement>;
  /** Which calls of the last `days` days the text would have decided differently. Faults as in `check`. */
  dryRun(text: string, days: number): Promise<DryRun>;
  /**
   * Who could use this tool on these targets, now or at a past time. Fault `not_found` or `invalid_input`.
   */
  whoCan(question: {
    tool: string;
    input: Readonly<Record<string, unknown>>;
    at: Date | null;
    cursor: string | null;
    limit: number;
  }): Promise<WhoCan>;
}
