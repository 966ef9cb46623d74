import type { Denial } from '../denial.ts';
import type { Impact } from '../impact.ts';
import type { SavedDecision } from './call.ts';
import type { Call } from './store.ts';

/** A call as it would be with other input: decided and previewed, not saved. */
export interface Recast {
  readonly input: Record<string, unknown>;
  readonly inputDigest: string;
  readonly decision: SavedDecision;
  readonly impact: Impact;
  /** What an approval of it is bound to (law 6). */
  readonly digest: string;
}

/** What tools that decide about calls may ask about them. */
export interface CallDesk {
  /**
   * The same actor's call of the same tool with other input, which need not be canonical: decided now, or why not. Only for tools
   * that change our rows. Throws Fault `invalid_input` where the tool's schema does not take it, and what its preview throws.
   */
  recast(
    call: Pick<Call, 'tool' | 'actor'>,
    input: Readonly<Record<string, unknown>>,
  ): Promise<{ readonly denial: Denial } | { readonly denial: null; readonly recast: Recast }>;
  /** Why nobody could ever approve it, or null (law 9). */
  deadlock(
    call: Pick<Call, 'tool' | 'actor' | 'targets' | 'principalId' | 'agentId'>,
    recast: Recast,
  ): Promise<Denial | null>;
  /** Where an approval is decided in a browser. */
  page(approvalId: string): string;
  /** Whether a tool acts at the identity provider. */
  isAct(tool: string): boolean;
}
