/** A tenant's settings. Settings that are not optional have a safe default in `DEFAULT_SETTINGS`. */
export interface TenantSettings {
  /** What SCIM `active:false` does to mandates: `revoke` is final, `freeze` can be thawed. */
  readonly onDeactivate: 'revoke' | 'freeze';
  /** Email domains whose people may act from Slack. Empty: nobody may. */
  readonly emailDomains: readonly string[];
  /** Slack accounts are matched to people by work email. Ledger entries say so (law 5). */
  readonly slackIdentity: 'email';
  /** The Slack channel for approvals that go to many people. Null: direct messages only. */
  readonly approvalChannel: string | null;
  /** How long an approval may wait, in seconds. */
  readonly approvalSeconds: number;
  /**
   * How many approvals an agent may have open, in total and per mandate, so that approvers are not flooded.
   */
  readonly openApprovals?: { readonly agent: number; readonly mandate: number };
  /** The longest mandate that may be given, in seconds. */
  readonly mandateMaxSeconds: number;
  /**
   * The mass-change breaker. If one source removes more than `people` people within `seconds` (at most a
   * day), further revocations wait for an administrator.
   */
  readonly breaker?: { readonly people: number; readonly seconds: number };
  /**
   * The maximum age of directory data about a person on which a decision may rely, in seconds. Absent: six
   * hours.
   */
  readonly directorySeconds?: number;
  /**
   * The accepted kinds of credentials, including `API_KEY`. Absent: API keys and every configured provider.
   */
  readonly enabledProviders?: readonly string[];
  /** Scopes for which a subject token is good for one exchange only (T26). Absent: none. */
  readonly oneTimeScopes?: readonly string[];
  /**
   * One IT admin may change the rules alone; every answer about such a change says so. The database removes
   * the setting as soon as there is a second one (the trigger `single_admin_falls`), and it does not return
   * when one is suspended.
   */
  readonly singleAdmin?: boolean;
  /**
   * SCIM keys of `source` may also provision and deprovision people of `peopleOf`. Absent: each source
   * writes only its own people.
   */
  readonly linkedSources?: readonly LinkedSource[];
  /**
   * The keys of each SPIFFE trust domain whose workloads may authenticate as agents. Only administrators set
   * them.
   */
  readonly spiffeBundles?: Readonly<Record<string, TrustBundle>>;
}

/** A link between two sources of people, in one direction. */
export interface LinkedSource {
  readonly source: string;
  readonly peopleOf: string;
}

/** A trust domain's JWK Set (SPIFFE Trust Domain and Bundle, section 4). */
export interface TrustBundle {
  readonly keys: readonly Readonly<Record<string, unknown>>[];
}

/**
 * The bundle of a trust domain, or null. Others choose the names of trust domains, and `constructor` is a
 * valid one.
 */
export const trustBundleOf = (
  { spiffeBundles = {} }: TenantSettings,
  trustDomain: string,
): TrustBundle | null =>
  Object.hasOwn(spiffeBundles, trustDomain) ? (spiffeBundles[trustDomain] ?? null) : null;

/** The settings of a new tenant, and the defaults for what a tenant has not set. */
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
