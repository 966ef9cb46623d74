import type { Requirement } from '../approval/approval.ts';

/** A call that another policy text would have decided otherwise. */
export interface Difference {
  readonly callId: string;
  readonly tool: string;
  readonly summary: string;
  readonly at: string;
  /** In words: `allowed`, `allowed after approval (policy)`, `denied (code)`. */
  readonly now: string;
  readonly otherwise: string;
}

/** What a dry run found: calls of the last days, asked again with today's facts under both texts. */
export interface DryRun {
  readonly days: number;
  /** How many calls were asked again, at most 5,000 and the newest first. */
  readonly calls: number;
  /** There were more calls than were asked. */
  readonly cut: boolean;
  /** Calls whose tool or target is no longer there. */
  readonly gone: number;
  readonly different: number;
  /** The first fifty. */
  readonly differences: readonly Difference[];
}

/** One policy as a reader of the whole set needs it. */
export interface PolicyOutline {
  readonly id: string;
  readonly effect: 'permit' | 'forbid';
  readonly reason: string | null;
  readonly requirement: Requirement | null;
  /** It ships, and no text of a tenant takes it away. */
  readonly stays: boolean;
}

/** Who could use a tool on a target. */
export interface WhoCan {
  readonly people: readonly {
    readonly id: string;
    readonly name: string;
    readonly roles: readonly string[];
    readonly policies: readonly string[];
    readonly approvals: readonly Requirement[];
    /** Why it would be refused though policy allows it: nobody could approve it at this moment. Null: somebody could, or nobody must. */
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
  /** How many people and mandates were asked about. */
  readonly askedPeople: number;
  readonly askedMandates: number;
  /** Give it to ask about the rest, or null. */
  readonly nextCursor: string | null;
  /** At a past time: what was read from the ledger, what is today's, and the last entry that counted. */
  readonly reconstructed: {
    readonly at: string;
    readonly fromSeq: number;
    readonly ledger: readonly string[];
    readonly today: readonly string[];
  } | null;
}

/** What tools of governance may ask the engine about policies; nothing is changed by it. */
export interface PolicyDesk {
  /** The policies that ship, whole. */
  readonly shipped: string;
  /** What is in force in this tenant now; `problem`: in Cedar's words why its text cannot be used, in which case only what stays decides. */
  inForce(): Promise<{
    version: number;
    text: string;
    policies: readonly PolicyOutline[];
    problem: string | null;
    singleAdmin: boolean;
  }>;
  /** Validates a text as policy of this tenant. Fault `invalid_input` with Cedar's own words. An empty text is what ships. Returns its SHA-256. */
  check(text: string): Promise<{ digest: string; policies: readonly PolicyOutline[] }>;
  /** Which calls of the last days the text would have decided otherwise. Fault as in `check`. */
  dryRun(text: string, days: number): Promise<DryRun>;
  /** Who could use this tool on these targets, now or at a past time. Fault `not_found`, `invalid_input`. */
  whoCan(question: {
    tool: string;
    input: Readonly<Record<string, unknown>>;
    at: Date | null;
    cursor: string | null;
    limit: number;
  }): Promise<WhoCan>;
}
