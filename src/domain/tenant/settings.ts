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
  /** How many approvals one agent may have open, and one mandate of it: people who decide are not to be flooded. */
  readonly openApprovals?: { readonly agent: number; readonly mandate: number };
  /** The longest mandate that may be asked for, in seconds. */
  readonly mandateMaxSeconds: number;
  /** The mass-change breaker: beyond this many people departing by the word of one source in so many seconds (at most a day), revocations wait for a human. */
  readonly breaker?: { readonly people: number; readonly seconds: number };
  /** How old what is known of a person at the identity provider may be, in seconds, for a decision to rely on it; absent: six hours. */
  readonly directorySeconds?: number;
  /** Which kinds of credentials are taken (requirements D2), `API_KEY` among them; absent: API keys and every configured provider. */
  readonly enabledProviders?: readonly string[];
  /** Scopes for which a subject token is good for one exchange only (T26); absent: for none. */
  readonly oneTimeScopes?: readonly string[];
  /**
   * One IT admin alone may change the rules; every answer about a change says so. The database takes the setting away in the
   * moment in which there is a second one (migration `single_admin_falls`): it does not return when one of them is suspended.
   */
  readonly singleAdmin?: boolean;
  /** SCIM keys of `source` also provision and deprovision people of `peopleOf`; absent: each source writes its own people alone. */
  readonly linkedSources?: readonly LinkedSource[];
  /** The keys of each SPIFFE trust domain whose workloads may authenticate as agents. Set by administrators only. */
  readonly spiffeBundles?: Readonly<Record<string, TrustBundle>>;
}

/** One direction of a link between two sources of people. */
export interface LinkedSource {
  readonly source: string;
  readonly peopleOf: string;
}

/** A trust domain's JWK Set (SPIFFE Trust Domain and Bundle, section 4). */
export interface TrustBundle {
  readonly keys: readonly Readonly<Record<string, unknown>>[];
}

/** The bundle of a trust domain, or null. Names of trust domains are other people's: `constructor` is one too. */
export const trustBundleOf = (
  { spiffeBundles = {} }: TenantSettings,
  trustDomain: string,
): TrustBundle | null =>
  Object.hasOwn(spiffeBundles, trustDomain) ? (spiffeBundles[trustDomain] ?? null) : null;

export const DEFAULT_SETTINGS: TenantSettings & Required<Pick<TenantSettings, 'breaker' | 'openApprovals'>> =
  {
    onDeactivate: 'revoke',
    emailDomains: [],
    slackIdentity: 'email',
    approvalChannel: null,
    approvalSeconds: 24 * 3600,
    openApprovals: { agent: 50, mandate: 25 },
    mandateMaxSeconds: 366 * 86_400,
    breaker: { people: 20, seconds: 600 },
  };
