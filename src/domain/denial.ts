/** Why something may not be done: `code` for machines, `message` for people, with what to do next. */
export interface Denial {
  readonly code: DenialCode;
  readonly message: string;
  /** `@id` of the policy that forbids it. */
  readonly policy?: string;
  /** The smallest change that would allow it, and who can make it. */
  readonly missing?: Readonly<Record<string, unknown>>;
}

/** The reasons for a denial. The codes are part of the API: clients and the ledger see them. */
export type DenialCode =
  | 'tenant_frozen'
  | 'principal_inactive'
  | 'delegation_frozen'
  | 'directory_outdated'
  | 'key_revoked'
  | 'agent_disabled'
  | 'no_matching_mandate'
  | 'mandate_revoked'
  | 'mandate_frozen'
  | 'mandate_expired'
  | 'mandate_not_started'
  | 'uses_exhausted'
  | 'scope_not_delegated'
  | 'tool_not_delegated'
  | 'outside_mandate'
  | 'outside_window'
  | 'amount_exceeded'
  | 'authority_lost'
  | 'not_for_agents'
  | 'token_scope_missing'
  | 'no_policy_allows'
  | 'forbidden_by_policy'
  | 'policy_error'
  | 'step_up_required'
  | 'no_approver'
  | 'too_many_open'
  | 'not_eligible'
  | 'approval_denied';

/** Makes a denial. */
export const denial = (
  code: DenialCode,
  message: string,
  more: Pick<Denial, 'policy' | 'missing'> = {},
): Denial => ({ code, message, ...more });
