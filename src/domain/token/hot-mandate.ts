import type { Sql } from 'postgres';
import { denial, type Denial } from '../denial.ts';
import { mandateStanding } from '../mandate/rules.ts';
import { standingOf } from '../person/standing.ts';
import type { PersonStatus } from '../provider.ts';
import { reach } from '#db/reach.ts';
import { perTurn } from './per-turn.ts';

/** A mandate with everything that it stands on, as `hot_mandates` (migration 0001) reads it in one statement. */
export interface HotMandate {
  readonly mandate_id: string;
  readonly state: 'active' | 'frozen' | 'revoked' | 'expired';
  readonly scopes: string[];
  readonly resources: string[];
  readonly tools: string[] | null;
  readonly uses: number;
  readonly max_uses: number | null;
  readonly starts_at: Date;
  readonly expires_at: Date;
  readonly mandate_epoch: number;
  readonly person_id: string;
  readonly provider: string;
  readonly uid: string;
  readonly person_status: PersonStatus;
  readonly scim_active: boolean | null;
  readonly held: boolean;
  readonly person_epoch: number;
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
}

/** Reads mandates as they are now, those of one event-loop turn and tenant in one query. Null: no such mandate in this tenant. Fault `unavailable` where the database is gone. */
export function createMandateReader(
  sql: Sql,
): (tenantId: string, mandateId: string) => Promise<HotMandate | null> {
  return perTurn(async (tenantId, ids) => {
    const rows = await reach(
      sql<HotMandate[]>`select * from hot_mandates(${tenantId}, ${ids})`.then((found) => [...found]),
    );
    return new Map(rows.map((row) => [row.mandate_id, row]));
  });
}

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
  return mandateStanding(
    {
      state: row.state,
      startsAt: row.starts_at,
      expiresAt: row.expires_at,
      uses: row.uses,
      maxUses: counting ? row.max_uses : null,
      reason: null,
    },
    now,
  );
}

/** The numbers that a token carries and that must still be the same: tenant, person, agent, mandate. */
export const epochsOf = (row: HotMandate): [number, number, number, number] => [
  row.tenant_epoch,
  row.person_epoch,
  row.agent_epoch,
  row.mandate_epoch,
];

/** The canonical subject of the principal (requirements D3). */
export const subjectOf = (row: Pick<HotMandate, 'provider' | 'uid'>): string =>
  `oidc:${row.provider}:${row.uid}`;
