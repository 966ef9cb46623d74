import type { Actor } from '../actor.ts';
import type { Denial } from '../denial.ts';
import type { Impact } from '../impact.ts';
import type { SavedDecision } from './call.ts';

/** Of a call: who asks for what. */
export interface AskedCall {
  readonly tool: string;
  readonly actor: Actor;
}

/** Of a call: who asks for what, about whom, and with whose authority. */
export interface PlacedCall extends AskedCall {
  readonly targets: readonly string[];
  readonly principalId: string | null;
  readonly agentId: string | null;
}

/** A call as it would be with other input: decided and previewed, but not saved. */
export interface Recast {
  readonly input: Record<string, unknown>;
  readonly inputDigest: string;
  readonly decision: SavedDecision;
  readonly impact: Impact;
  /** The digest that an approval of it is bound to (law 6). */
  readonly digest: string;
}

/** What tools that decide about calls may ask about them. */
export interface CallDesk {
  /**
   * Decides and previews the same actor's call of the same tool with other input, which need not be
   * canonical. Only for tools that change our rows. Returns the denial if it is not allowed. Throws
   * Fault `invalid_input` if the input does not fit the tool's schema, and any fault of the preview.
   */
  recast(
    call: AskedCall,
    input: Readonly<Record<string, unknown>>,
  ): Promise<{ readonly denial: Denial } | { readonly denial: null; readonly recast: Recast }>;
  /** Why nobody could ever approve it; null if someone could (law 9). */
  deadlock(call: PlacedCall, recast: Recast): Promise<Denial | null>;
  /** The page on which an approval is decided in a browser. */
  page(approvalId: string): string;
  /** Whether a tool acts at the identity provider. */
  isAct(tool: string): boolean;
}
