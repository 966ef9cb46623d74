/** What a tenant may choose; every member has a safe default in `DEFAULT_SETTINGS`. */
export interface TenantSettings {
  /** What SCIM `active:false` does to mandates (requirements S4): revoke is final, freeze can be thawed. */
  readonly onDeactivate: 'revoke' | 'freeze';
  /** Email domains whose people may act from Slack; empty means the domains of nobody. */
  readonly emailDomains: readonly string[];
  /** Slack accounts are matched to people by work email; ledger entries say so (law 5). */
  readonly slackIdentity: 'email';
  /** The Slack channel for approvals that go to many people, or null: direct messages only. */
  readonly approvalChannel: string | null;
  /** How long an approval may wait, in seconds. */
  readonly approvalSeconds: number;
  /** The longest mandate that may be asked for, in seconds. */
  readonly mandateMaxSeconds: number;
}

export const DEFAULT_SETTINGS: TenantSettings = {
  onDeactivate: 'revoke',
  emailDomains: [],
  slackIdentity: 'email',
  approvalChannel: null,
  approvalSeconds: 24 * 3600,
  mandateMaxSeconds: 366 * 86_400,
};
