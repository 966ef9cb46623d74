import { sql } from 'drizzle-orm';
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
  readonly groupIds: readonly string[];
  readonly roles: readonly string[];
  readonly scopes: readonly string[];
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
  readonly targets: readonly { readonly type: string; readonly id?: string }[];
}

type Wire = Omit<DecisionFacts, 'chain' | 'policy'> & {
  readonly chain: readonly (Omit<MandateFacts, 'startsAt' | 'expiresAt'> & {
    startsAt: string;
    expiresAt: string;
  })[];
};

/** Of a tenant that has no policies of its own. */
export const NO_POLICY: PolicyFacts = { version: 0, digest: null, singleAdmin: false };

/**
 * Reads them in one round trip, as they are in this transaction. With `lock`, principal, agent, mandate and ancestors are held
 * against a revocation until it ends (law 2). Source: migrations `mandate_decisions` and `tenant_policy`.
 */
export async function decisionFacts(
  reader: TenantReader,
  about: DecisionSubjects,
  lock: boolean,
): Promise<DecisionFacts> {
  const types = about.targets.map((target) => target.type);
  const ids = about.targets.map((target) => target.id ?? '');
  const rows = await reader.db.execute<{ facts: Wire | string; policy: PolicyFacts | string | null }>(
    sql`select decision_facts(${reader.tenantId}, ${about.principalId}, ${about.agentId}, ${about.mandateId}, ${sql.param(types)}::text[], ${sql.param(ids)}::text[], ${lock}) as facts, decision_policy(${reader.tenantId}) as policy`,
  );
  const raw = rows[0]?.facts;
  if (raw === undefined) throw new Error('decision_facts answered nothing');
  const facts = typeof raw === 'string' ? (JSON.parse(raw) as Wire) : raw;
  const policy = rows[0]?.policy ?? NO_POLICY;
  return {
    ...facts,
    policy: typeof policy === 'string' ? (JSON.parse(policy) as PolicyFacts) : policy,
    chain: facts.chain.map((one) => ({
      ...one,
      startsAt: new Date(one.startsAt),
      expiresAt: new Date(one.expiresAt),
    })),
  };
}
