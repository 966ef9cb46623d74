import type { Sql } from 'postgres';
import { gather } from '#lib/gather.ts';
import { denial, type Denial } from '../../denial.ts';
import { mandateStanding, windowDenial } from '../../mandate/rules.ts';
import type { MandateWindow } from '../../mandate/window.ts';
import { standingOf } from '../../person/standing.ts';
import type { PersonStatus } from '../../provider.ts';
import { reachInTime } from '#db/reach.ts';

/** A mandate above another one, with everything that a child depends on. */
export interface Ancestor {
  readonly mandate_id: string;
  readonly person_id: string;
  readonly agent_id: string;
  readonly state: HotMandate['state'];
  readonly scopes: string[];
  readonly resources: string[];
  readonly tools: string[] | null;
  readonly amount: string | null;
  readonly currency: string | null;
  readonly window: MandateWindow | null;
  readonly uses: number;
  readonly max_uses: number | null;
  readonly starts_at: Date;
  readonly expires_at: Date;
  readonly mandate_epoch: number;
  readonly ceiling: string[];
  readonly agent_status: HotMandate['agent_status'];
  readonly agent_epoch: number;
}

/**
 * A mandate with everything that it depends on, as the SQL function `hot_mandates` reads it in one
 * statement.
 */
export interface HotMandate {
  readonly mandate_id: string;
  readonly state: 'active' | 'frozen' | 'revoked' | 'expired';
  readonly scopes: string[];
  readonly resources: string[];
  readonly tools: string[] | null;
  /** A decimal, in `currency`. */
  readonly amount: string | null;
  readonly currency: string | null;
  readonly window: MandateWindow | null;
  readonly uses: number;
  readonly max_uses: number | null;
  /** Whether it may be used without a token of the principal. */
  readonly offline: boolean;
  readonly starts_at: Date;
  readonly expires_at: Date;
  readonly mandate_epoch: number;
  readonly status_index: number | null;
  readonly person_id: string;
  readonly provider: string;
  readonly uid: string;
  readonly person_status: PersonStatus;
  readonly scim_active: boolean | null;
  readonly held: boolean;
  /**
   * Until when the directory data about the principal may be relied on; null if no directory provides any.
   */
  readonly directory_until: Date | null;
  readonly person_epoch: number;
  /** Tokens of the principal's provider are void up to this moment; null: none were ever voided. */
  readonly tokens_not_before: Date | null;
  readonly agent_id: string;
  readonly agent_name: string;
  readonly owner_id: string;
  readonly ceiling: string[];
  readonly agent_status: 'active' | 'disabled' | 'frozen';
  readonly agent_epoch: number;
  readonly tenant_status: 'active' | 'frozen';
  readonly tenant_epoch: number;
  /** The scopes that the principal's groups give now. */
  readonly authority: string[];
  /** The mandates above it, starting with its parent. Empty if the principal gave it directly. */
  readonly chain: readonly Ancestor[];
  /** The revoked `jti`s (RFC 7009) among those that anyone in the same query asked about. */
  readonly denied: readonly string[];
  /**
   * The scopes for which a subject token is good for one exchange only (the tenant's `oneTimeScopes`); null:
   * none.
   */
  readonly one_time: readonly string[] | null;
  /** The tenant's resource servers, which tokens may be for in addition to our own interfaces. */
  readonly resource_servers: readonly { readonly identifier: string; readonly scopes: readonly string[] }[];
  /** The providers that the tenant trusts, from the same snapshot, as `configuredProviders` parses them. */
  readonly providers: string;
}

/** Reads a mandate as it is now, and which of the given `jti`s are revoked. */
export type MandateReader = (
  tenantId: string,
  mandateId: string,
  jtis?: readonly string[],
) => Promise<HotMandate | null>;

/** As JSON carries it: times are texts. */
type Wire<T extends { starts_at: Date; expires_at: Date }> = Omit<T, 'starts_at' | 'expires_at' | 'chain'> & {
  readonly starts_at: string;
  readonly expires_at: string;
};
type WireMandate = Omit<Wire<HotMandate>, 'tokens_not_before' | 'directory_until'> & {
  readonly tokens_not_before: string | null;
  readonly directory_until: string | null;
  readonly chain: readonly Wire<Ancestor>[];
};

/**
 * Creates a reader of mandates as they are now. Reads that are started together become one query per tenant
 * (`lib/gather.ts`). Null: the tenant has no such mandate. Fault `unavailable` if the database cannot be
 * reached.
 */
export function createMandateReader(sql: Sql): MandateReader {
  const ask = gather<{ id: string; jtis: readonly string[] }, HotMandate | null>(async (tenantId, asked) => {
    const ids = [...new Set(asked.map(({ id }) => id))];
    const jtis = asked.flatMap((one) => one.jtis);
    const rows = await reachInTime(
      sql<
        { row: WireMandate }[]
      >`select hot_mandates(${tenantId}, ${ids}, ${jtis}) as row where primary_only()`.then((all) => [
        ...all,
      ]),
    );
    const byId = new Map(
      rows.map(({ row }) => [
        row.mandate_id,
        {
          ...dated(row),
          tokens_not_before: moment(row.tokens_not_before),
          directory_until: moment(row.directory_until),
          chain: row.chain.map((above) => dated(above)),
        },
      ]),
    );
    return asked.map(({ id }) => byId.get(id) ?? null);
  });
  return (tenantId, id, jtis = []) => ask(tenantId, { id, jtis });
}

const moment = (text: string | null): Date | null => (text === null ? null : new Date(text));

const dated = <T extends { starts_at: string; expires_at: string }>(row: T) => ({
  ...row,
  starts_at: new Date(row.starts_at),
  expires_at: new Date(row.expires_at),
});

/** Whether the tenant, principal and agent may act at all: null, or the reason of the first that may not. */
export function partiesStanding(row: HotMandate): Denial | null {
  if (row.tenant_status !== 'active')
    return denial('tenant_frozen', 'This organisation is frozen. An IT admin can lift the freeze.');
  const person = {
    status: row.person_status,
    scimActive: row.scim_active,
    held: row.held,
    displayName: 'The employee',
  };
  const principal = standingOf(person);
  if (principal !== null) return principal;
  if (row.agent_status !== 'active')
    return denial(
      'agent_disabled',
      `The agent is ${row.agent_status}. Its owner or an IT admin can enable it.`,
    );
  return null;
}

/**
 * Whether the mandate and the mandates above it may be used at `now`: null, or the reason why not. A token
 * keeps working while its last use is carried out, so uses and windows count only if `counting`.
 */
export function hotMandateStanding(row: HotMandate, now: Date, counting: boolean): Denial | null {
  const own =
    mandateStanding(standingFacts(row, counting), now) ??
    // Like uses: work that runs past the end of a window may still be asked about, and each use is decided by
    // itself.
    (counting ? windowDenial(row.window, now) : null);
  if (own !== null) return own;
  for (const above of row.chain) {
    const why = mandateStanding(standingFacts(above, counting), now);
    if (why !== null) return denial(why.code, `A parent of this mandate cannot be used. ${why.message}`);
    if (above.agent_status !== 'active')
      return denial('agent_disabled', `The agent that delegated this mandate is ${above.agent_status}.`);
    if (above.person_id !== row.person_id)
      return denial('no_matching_mandate', 'The parent of this mandate belongs to another principal.');
  }
  return null;
}

const standingFacts = (row: HotMandate | Ancestor, counting: boolean) => ({
  state: row.state,
  startsAt: row.starts_at,
  expiresAt: row.expires_at,
  uses: row.uses,
  maxUses: counting ? row.max_uses : null,
  reason: null,
});

/**
 * The epochs that a token carries and that must still be the same: tenant, person, agent, mandate, then agent
 * and mandate of every ancestor.
 */
export const epochsOf = (row: HotMandate): number[] => [
  row.tenant_epoch,
  row.person_epoch,
  row.agent_epoch,
  row.mandate_epoch,
  ...row.chain.flatMap((above) => [above.agent_epoch, above.mandate_epoch]),
];

/** The canonical subject of the principal: `oidc:<provider>:<uid>`. */
export const subjectOf = (row: Pick<HotMandate, 'provider' | 'uid'>): string =>
  `oidc:${row.provider}:${row.uid}`;
