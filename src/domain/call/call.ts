import type { FaultDetail } from '#lib/fault.ts';
import type { Requirement } from '../approval/approval.ts';

/** The states of a call. Only `waiting`, `ready` and `running` can change. */
export const CALL_STATES = [
  'denied',
  'waiting',
  'rejected',
  'expired',
  'withdrawn',
  'superseded',
  'ready',
  'running',
  'succeeded',
  'failed',
  'unknown',
] as const;
/** One of `CALL_STATES`. */
export type CallState = (typeof CALL_STATES)[number];

/** The states that never change again. */
export const FINAL_STATES: ReadonlySet<CallState> = new Set([
  'denied',
  'rejected',
  'expired',
  'withdrawn',
  'superseded',
  'succeeded',
  'failed',
  'unknown',
] as const);

/**
 * Why a call ended without success. `message` says what to do next. `detail.provider` holds the
 * vendor's own code and summary.
 */
export interface CallError {
  readonly code: string;
  readonly message: string;
  readonly detail?: FaultDetail;
}

/** The decision as it was made, saved with the call: the policies that allowed it, and what they required. */
export interface SavedDecision {
  readonly policies: readonly string[];
  readonly requirements: readonly Requirement[];
  /** Digest of the policy text that decided. */
  readonly policyDigest: string;
}
