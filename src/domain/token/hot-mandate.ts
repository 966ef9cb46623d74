import type { Sql } from 'postgres';
import { gather } from '#lib/gather.ts';
import { denial, type Denial } from '../denial.ts';
import { mandateStanding, windowDenial } from '../mandate/rules.ts';
import type { MandateWindow } from '../mandate/window.ts';
import { standingOf } from '../person/standing.ts';
import type { PersonStatus } from '../provider.ts';
import { reachInTime } from '#db/reach.ts';

/** A mandate above another one, with what a child stands on. */
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

/** A mandate with everything that it stands on, as `hot_mandates` (migration resource_servers_read) reads it in one statement. */
export interface HotMandate {
  readonly mandate_id: string;
  readonly state: 'active' | 'frozen' | 'revoked' | 'expired';
  readonly scopes: string[];
  readonly resources: string[];
  readonly tools: string[] | null;
  /** Decimal; in `currency`. */
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
  /** Until when what is known of the principal at the identity provider may be relied on; null: no directory tells of them. */
  readonly directory_until: Date | null;
  readonly person_epoch: number;
  /** Up to when tokens of the principal's provider are void; null: they never were. */
  readonly tokens_not_before: Date | null;
  readonly agent_id: string;
  readonly agent_name: string;
  readonly owner_id: string;
  readonly ceiling: string[];
  readonly agent_status: 'active' | 'disabled' | 'frozen';
  readonly agent_epoch: number;
  readonly tenant_status: 'active' | 'frozen';
  readonly tenant_epoch: number;
  /** What the principal's groups map to, now. */
  readonly authority: string[];
  /** The mandates above it, its parent first; empty where it was given by the principal directly. */
  readonly chain: readonly Ancestor[];
  /** Those of the `jti`s that were asked about, by anybody in the same query, that have been revoked (RFC 7009). */
  readonly denied: readonly string[];
  /** The scopes for which a subject token is good for one exchange (`oneTimeScopes` of the tenant); null: none. */
  readonly one_time: readonly string[] | null;
  /** The resource servers of the tenant: what a token may be for besides our own doors. */
  readonly resource_servers: readonly { readonly identifier: string; readonly scopes: readonly string[] }[];
  /** What the tenant trusts in the same snapshot, as `configuredProviders` keeps it (providers/configured.ts). */
  readonly providers: string;
}

/** Asks for a mandate as it is now and, with it, which of some `jti`s were revoked. */
export type MandateReader = (
  tenantId: string,
  mandateId: string,
  jtis?: readonly string[],
) => Promise<HotMandate | null>;

/** As JSON has it: moments are texts. */
type Wire<T extends { starts_at: Date; expires_at: Date }> = Omit<T, 'starts_at' | 'expires_at' | 'chain'> & {
  readonly starts_at: string;
  readonly expires_at: string;
};
type WireMandate = Omit<Wire<HotMandate>, 'tokens_not_before' | 'directory_until'> & {
  readonly tokens_not_before: string | null;
  readonly directory_until: string | null;
  readonly chain: readonly Wire<Ancestor>[];
};

/** Reads mandates as they are now, many of a tenant in one query (gather.ts). Null: no such mandate in this tenant. Fault `unavailable` where the database is gone. */
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

/** Whether tenant, principal and agent are such that anything may be asked at all: null, or the first that is not. */
export function partiesStanding(row: HotMandate): Denial | null {
  if (row.tenant_status !== 'active')
    return denial('tenant_frozen', 'This organisation is frozen. Its administrators can lift that.');
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

/** Whether the mandate itself may be used at `now`. A token goes on working while its last use is carried out, so uses are counted only where `counting`. */
export function hotMandateStanding(row: HotMandate, now: Date, counting: boolean): Denial | null {
  const own =
    mandateStanding(standingFacts(row, counting), now) ??
    // Like uses: what runs over the end of an hour may still be asked about, and each use is decided by itself.
    (counting ? windowDenial(row.window, now) : null);
  if (own !== null) return own;
  for (const above of row.chain) {
    const why = mandateStanding(standingFacts(above, counting), now);
    if (why !== null)
      return denial(why.code, `A mandate that this one was made from does not stand. ${why.message}`);
    if (above.agent_status !== 'active')
      return denial('agent_disabled', `The agent that gave this mandate on is ${above.agent_status}.`);
    if (above.person_id !== row.person_id)
      return denial(
        'no_matching_mandate',
        'The mandate that this one was made from is of another principal.',
      );
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

/** The numbers that a token carries and that must still be the same: tenant, person, agent, mandate, then agent and mandate of every ancestor. */
export const epochsOf = (row: HotMandate): number[] => [
  row.tenant_epoch,
  row.person_epoch,
  row.agent_epoch,
  row.mandate_epoch,
  ...row.chain.flatMap((above) => [above.agent_epoch, above.mandate_epoch]),
];

/** The canonical subject of the principal (requirements D3). */
export const subjectOf = (row: Pick<HotMandate, 'provider' | 'uid'>): string =>
  `oidc:${row.provider}:${row.uid}`;
