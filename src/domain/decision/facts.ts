import { sql } from 'drizzle-orm';
import type { Sql } from 'postgres';
import { principalOf, type Actor } from '../actor.ts';
import type { TenantReader } from '../context.ts';
import type { MandateWindow } from '../mandate/window.ts';
import type { PersonStatus } from '../provider.ts';

/** A person as a decision sees them: standing, manager, and what their groups give at this moment. */
export interface PersonFacts {
  readonly id: string;
  readonly managerId: string | null;
  readonly displayName: string;
  readonly status: PersonStatus;
  readonly scimActive: boolean | null;
  readonly held: boolean;
  /** Whether the kill switch holds what this person delegates. */
  readonly delegationFrozen: boolean;
  readonly groupIds: readonly string[];
  readonly roles: readonly string[];
  readonly scopes: readonly string[];
  /** Until when what is known of them at the identity provider may be relied on, ISO time; null or absent: no directory tells of them. */
  readonly directoryUntil?: string | null;
}

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
  /** Of the agent that holds it. */
  readonly agentStatus: string;
  readonly ceiling: readonly string[];
}

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

/** Which policies decide in the tenant at this moment. */
export interface PolicyFacts {
  /** 0: none of its own. */
  readonly version: number;
  /** SHA-256 of its own text, or null where the policies that ship are in force. */
  readonly digest: string | null;
  /** The tenant has one IT admin and has said so: changes of governance need no second human. */
  readonly singleAdmin: boolean;
}

/** Everything that a decision looks at. A member that is null was not asked for or is not there. */
export interface DecisionFacts {
  readonly policy: PolicyFacts;
  readonly tenantStatus: 'active' | 'frozen' | null;
  /** Whether the API key that asks has not been revoked; false where none was asked about. */
  readonly keyStands: boolean;
  readonly principal: PersonFacts | null;
  readonly agent: {
    readonly id: string;
    readonly ownerId: string;
    readonly status: string;
    readonly ceiling: readonly string[];
  } | null;
  /** The mandate and its ancestors, itself first. */
  readonly chain: readonly MandateFacts[];
  /** In the order asked; null where there is no such thing in this tenant. */
  readonly targets: readonly (TargetFacts | null)[];
}

/** Whom and what a decision is about, by immutable ids. */
export interface DecisionSubjects {
  readonly principalId: string | null;
  readonly agentId: string | null;
  readonly mandateId: string | null;
  /** The API key that asks; null or absent: none does. */
  readonly keyId?: string | null;
  readonly targets: readonly { readonly type: string; readonly id?: string }[];
}

/** Whom and what a decision about this actor and these targets has to look at. */
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

/** Of a tenant that has no policies of its own. */
export const NO_POLICY: PolicyFacts = { version: 0, digest: null, singleAdmin: false };

/**
 * Reads them in one round trip, as they are in this transaction. With `lock`, principal, agent, mandate and ancestors are held
 * against a revocation until it ends (law 2). Source: migration `decision_read`.
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
 * The same without a transaction: one statement names the tenant and reads all of it, as it is committed at this moment. For decisions
 * that change nothing; holds nothing.
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
