import { sql } from 'drizzle-orm';
import type { Sql } from 'postgres';
import { principalOf, type Actor } from '../actor.ts';
import type { TenantReader } from '../context.ts';
import type { MandateWindow } from '../mandate/window.ts';
import type { PersonStatus } from '../provider.ts';

/** A person as a decision sees them: standing, manager, and what their groups give now. */
export interface PersonFacts {
  readonly id: string;
  readonly managerId: string | null;
  readonly displayName: string;
  readonly status: PersonStatus;
  readonly scimActive: boolean | null;
  readonly held: boolean;
  /** Whether the kill switch freezes what this person delegates. */
  readonly delegationFrozen: boolean;
  readonly groupIds: readonly string[];
  readonly roles: readonly string[];
  readonly scopes: readonly string[];
  /**
   * Until when the directory data about them may be relied on, as an ISO time. Null or absent: no directory
   * provides any.
   */
  readonly directoryUntil?: string | null;
}

/** A mandate as a decision sees it. */
export interface MandateFacts {
  readonly id: string;
  readonly principalId: string;
  readonly agentId: string;
  readonly scopes: readonly string[];
  readonly resources: readonly string[];
  readonly tools: readonly string[] | null;
  readonly state: 'active' | 'frozen' | 'revoked' | 'expired';
  readonly reason: string | null;
  readonly uses: number;
  readonly maxUses: number | null;
  readonly startsAt: Date;
  readonly expiresAt: Date;
  readonly amount: number | null;
  readonly currency: string | null;
  readonly window: MandateWindow | null;
  /** The status of the agent that holds it. */
  readonly agentStatus: string;
  readonly ceiling: readonly string[];
}

/** A target as a decision sees it, with the ids by which policies relate it to people. */
export type TargetFacts =
  | { readonly type: 'Tenant'; readonly id: string }
  | { readonly type: 'Person'; readonly id: string; readonly person: PersonFacts }
  | {
      readonly type: 'Agent';
      readonly id: string;
      readonly ownerId: string;
      readonly ownerManagerId: string | null;
    }
  | {
      readonly type: 'Mandate';
      readonly id: string;
      readonly principalId: string;
      readonly agentId: string;
      readonly agentOwnerId: string;
      readonly principalManagerId: string | null;
      readonly agentOwnerManagerId: string | null;
    }
  | { readonly type: 'Approval'; readonly id: string; readonly principalId: string | null };

/** Which policies decide in the tenant now. */
export interface PolicyFacts {
  /** 0: the tenant has no policies of its own. */
  readonly version: number;
  /** SHA-256 of the tenant's own text. Null: only the shipped policies are in force. */
  readonly digest: string | null;
  /** The tenant declared that its only IT admin may change governance alone, without a second person. */
  readonly singleAdmin: boolean;
}

/** Everything that a decision looks at. A member is null if it was not requested or does not exist. */
export interface DecisionFacts {
  readonly policy: PolicyFacts;
  readonly tenantStatus: 'active' | 'frozen' | null;
  /** Whether the calling API key is not revoked. False if there is no such key. */
  readonly keyStands: boolean;
  readonly principal: PersonFacts | null;
  readonly agent: {
    readonly id: string;
    readonly ownerId: string;
    readonly status: string;
    readonly ceiling: readonly string[];
  } | null;
  /** The mandate and its ancestors, the mandate itself first. */
  readonly chain: readonly MandateFacts[];
  /** In the order of the request. Null: the tenant has no such target. */
  readonly targets: readonly (TargetFacts | null)[];
}

/** The people and things that a decision is about, by immutable ids. */
export interface DecisionSubjects {
  readonly principalId: string | null;
  readonly agentId: string | null;
  readonly mandateId: string | null;
  /** The calling API key; null or absent if the caller is not a key. */
  readonly keyId?: string | null;
  readonly targets: readonly { readonly type: string; readonly id?: string }[];
}

/** The people and things that a decision about this actor and these targets must read. */
export const subjectsOf = (actor: Actor, targets: DecisionSubjects['targets']): DecisionSubjects => ({
  principalId: principalOf(actor),
  agentId: actor.kind === 'agent' ? actor.agentId : null,
  mandateId: actor.kind === 'agent' ? actor.mandateId : null,
  keyId: actor.kind === 'service' ? actor.keyId : null,
  targets,
});

type Wire = Omit<DecisionFacts, 'chain' | 'policy'> & {
  readonly policy: PolicyFacts | null;
  readonly chain: readonly (Omit<MandateFacts, 'startsAt' | 'expiresAt'> & {
    startsAt: string;
    expiresAt: string;
  })[];
};

/** The facts of a tenant without policies of its own. */
export const NO_POLICY: PolicyFacts = { version: 0, digest: null, singleAdmin: false };

/**
 * Reads the facts in one round trip, as this transaction sees them. With `lock`, locks principal, agent,
 * mandate and ancestors against a revocation until the transaction ends (law 2). Source: the SQL function
 * `decision_facts`.
 */
export async function decisionFacts(
  reader: TenantReader,
  about: DecisionSubjects,
  lock: boolean,
): Promise<DecisionFacts> {
  const { types, ids } = targetColumns(about);
  const rows = await reader.db.execute<{ facts: Wire | string }>(
    sql`select decision_facts(${reader.tenantId}, ${about.principalId}, ${about.agentId}, ${about.mandateId}, ${about.keyId ?? null}, ${sql.param(types)}::text[], ${sql.param(ids)}::text[], ${lock}) as facts`,
  );
  const raw = rows[0]?.facts;
  return fromWire(typeof raw === 'string' ? (JSON.parse(raw) as Wire) : raw);
}

/**
 * Reads the facts of several decisions in one statement, in their order, as this transaction sees them. Locks
 * nothing.
 */
export async function decisionFactsOfAll(
  reader: TenantReader,
  all: readonly DecisionSubjects[],
): Promise<DecisionFacts[]> {
  if (all.length === 0) return [];
  const asked = all.map((about) => {
    const { types, ids } = targetColumns(about);
    return { p: about.principalId, a: about.agentId, m: about.mandateId, k: about.keyId ?? null, types, ids };
  });
  const rows = await reader.db.execute<{ facts: Wire | string }>(sql`
    select decision_read(${reader.tenantId}, p, a, m, k, types, ids) as facts
      from rows from (
        json_to_recordset(${JSON.stringify(asked)}::text::json) as (p text, a text, m text, k text, types text[], ids text[])
      ) with ordinality as asked(p, a, m, k, types, ids, n) order by n`);
  return rows.map(({ facts }) => fromWire(typeof facts === 'string' ? (JSON.parse(facts) as Wire) : facts));
}

/**
 * Reads the same without a transaction: one statement sets the tenant and reads everything as committed at
 * this moment. For decisions that change nothing. Locks nothing.
 */
export async function decisionFactsNow(
  client: Sql,
  tenantId: string,
  about: DecisionSubjects,
): Promise<DecisionFacts> {
  const { types, ids } = targetColumns(about);
  const [row] = await client<{ facts: Wire }[]>`
    select hot_decision(${tenantId}, ${about.principalId}, ${about.agentId}, ${about.mandateId}, ${about.keyId ?? null}, ${types}, ${ids}) as facts where primary_only()`;
  return fromWire(row?.facts);
}

const targetColumns = ({ targets }: DecisionSubjects) => ({
  types: targets.map((target) => target.type),
  ids: targets.map((target) => target.id ?? ''),
});

function fromWire(facts: Wire | undefined): DecisionFacts {
  if (facts === undefined) throw new Error('the facts of a decision were not answered');
  return {
    ...facts,
    policy: facts.policy ?? NO_POLICY,
    chain: facts.chain.map((one) => ({
      ...one,
      startsAt: new Date(one.startsAt),
      expiresAt: new Date(one.expiresAt),
    })),
  };
}
