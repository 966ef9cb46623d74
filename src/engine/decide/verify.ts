import { reach } from '#db/reach.ts';
import type { AgentActor } from '#domain/actor.ts';
import type { TenantReader } from '#domain/context.ts';
import {
  decisionFacts,
  decisionFactsNow,
  subjectsOf,
  type DecisionFacts,
  type DecisionSubjects,
} from '#domain/decision/facts.ts';
import { denial, type Denial, type DenialCode } from '#domain/denial.ts';
import { coversText } from '#domain/mandate/resources.ts';
import type { Worth } from '#domain/mandate/rules.ts';
import { directoryOutdated, isOutdated, standingOf } from '#domain/person/standing.ts';
import { Fault } from '#lib/fault.ts';
import type { App } from '../app.ts';
import type { CatalogueEntry } from '../catalogue.ts';
import { readContext } from '../explain.ts';
import type { Targets } from '../tool.ts';
import { readonly } from '../transact.ts';
import { decide, decideNow, type Decision, type Question } from './decide.ts';
import { denyDelegated } from './delegated.ts';
import type { AdminRoles } from './entities.ts';

/** The reasons for a denial that other systems see. The names are contracts. */
export const VERIFY_REASONS = [
  'NO_MATCHING_MANDATE',
  'MANDATE_FROZEN',
  'MANDATE_REVOKED',
  'MANDATE_EXPIRED',
  'APPROVAL_REQUIRED',
  'STEP_UP_REQUIRED',
  'AMOUNT_EXCEEDED',
  'OUTSIDE_MANDATE',
  'OUTSIDE_WINDOW',
  'USES_EXHAUSTED',
  'SCOPE_NOT_DELEGATED',
  'AUTHORITY_LOST',
  'PRINCIPAL_INACTIVE',
  'AGENT_DISABLED',
  'TENANT_FROZEN',
  'FORBIDDEN_BY_POLICY',
  'TOKEN_INVALID',
] as const;

/** One of these reasons. */
export type VerifyReason = (typeof VERIFY_REASONS)[number];

/**
 * What a check asks under one mandate: a tool of ours on its targets, or a scope of another system on one of
 * its resources.
 */
export type Checked =
  | {
      readonly kind: 'tool';
      readonly entry: CatalogueEntry;
      readonly targets: Targets;
      /** Null if the caller named targets instead of an input. */
      readonly input: Readonly<Record<string, unknown>> | null;
      readonly worth: Worth | null;
      readonly adminRoles: AdminRoles;
    }
  | {
      readonly kind: 'scope';
      readonly scope: string;
      /** The resource as that system names it, or a person of ours. Null if none was named. */
      readonly resource: { readonly text: string } | { readonly personId: string } | null;
      readonly worth: Worth | null;
    };

/** The answer to a check. */
export type Verdict =
  | { readonly allowed: true; readonly policies: readonly string[] }
  | {
      readonly allowed: false;
      readonly reasons: readonly VerifyReason[];
      readonly message: string;
      readonly missing: Readonly<Record<string, unknown>> | null;
    };

type Parts = Pick<App, 'database' | 'baseUrl' | 'catalogue' | 'policies' | 'loginIssuer' | 'now'>;

/**
 * How a check decides: in a transaction that holds locks until it ends (law 2), or in one statement, as of
 * now.
 */
export interface Deciding {
  readonly app: Parts;
  now(): Date;
  decide(question: Question): Promise<Decision>;
  facts(about: DecisionSubjects): Promise<DecisionFacts>;
  read<T>(work: (reader: TenantReader) => Promise<T>): Promise<T>;
}

/** Decides in the reader's transaction. Locks everything that the decision reads until it ends. */
export const decidingIn = (app: Parts, reader: TenantReader): Deciding => ({
  app,
  now: () => reader.now,
  decide: (question) => decide(reader, app.policies, question, 'share'),
  facts: (about) => decisionFacts(reader, about, true),
  read: (work) => work(reader),
});

/** Decides outside of a transaction and locks nothing. Throws Fault `unavailable` if the database is gone. */
export const decidingNow = (app: Parts, tenantId: string): Deciding => ({
  app,
  now: app.now,
  decide: (question) => decideNow(app, tenantId, question),
  facts: (about) => reach(decisionFactsNow(app.database.sql, tenantId, about)),
  read: (work) => readonly(app, tenantId, work),
});

/**
 * Decides one check for an agent under one mandate. A tool gets the same decision as its call would, and an
 * unmet requirement is a no. Another system's scope is decided by standing, mandate, ceiling, authority and
 * constraints alone, without policies.
 */
export async function verifyFor(deciding: Deciding, actor: AgentActor, check: Checked): Promise<Verdict> {
  return check.kind === 'tool' ? verifyTool(deciding, actor, check) : verifyScope(deciding, actor, check);
}

// A resource that does not suit the tool fits no policy. The caller must then name another one; a list of
// people who may does not help.
const VAGUE =
  'This check has no "input" for the tool, so it is only about the "resource" (person:<id or work email>; without one, the whole organisation). Name the person in "resource", or send the tool\'s "input".';

async function verifyTool(
  deciding: Deciding,
  actor: AgentActor,
  check: Extract<Checked, { kind: 'tool' }>,
): Promise<Verdict> {
  const { entry, targets, input, worth, adminRoles } = check;
  const { tool } = entry;
  const extra =
    tool.effects === 'write' && tool.context !== undefined && input !== null
      ? await deciding.read(async (reader) => tool.context?.(readContext(deciding.app, reader, actor), input))
      : undefined;
  const question = { entry, actor, targets, adminRoles, worth, ...(extra && { extra }) };
  const decision = await deciding.decide(question);
  if (!decision.allowed) {
    const { denial: why } = decision;
    const vague = input === null && why.code === 'no_policy_allows';
    const said = vague ? { ...why, message: `${why.message} ${VAGUE}` } : why;
    return verdictOf(said, await frozenFor(deciding, actor, why));
  }
  const { policies, requirements } = decision.saved;
  if (requirements.length === 0) return { allowed: true, policies };
  const needsStepUp = requirements.some((requirement) => requirement.stepUp);
  return {
    allowed: false,
    reasons: [needsStepUp ? 'STEP_UP_REQUIRED' : 'APPROVAL_REQUIRED'],
    message: requirements.map((requirement) => requirement.reason).join(' '),
    missing: {
      approvals: requirements.map(({ policy, approver, quorum, stepUp }) => ({
        policy,
        approver,
        quorum,
        step_up: stepUp,
      })),
    },
  };
}

async function verifyScope(
  deciding: Deciding,
  actor: AgentActor,
  check: Extract<Checked, { kind: 'scope' }>,
): Promise<Verdict> {
  const { scope, resource, worth } = check;
  const person = resource !== null && 'personId' in resource ? resource.personId : null;
  const facts = await deciding.facts(
    subjectsOf(actor, person === null ? [] : [{ type: 'Person', id: person }]),
  );
  const asked = { tool: { name: scope, scope } };
  const why =
    denyFallen(facts, deciding.now()) ??
    denyDelegated(asked, actor, facts, deciding.now(), worth) ??
    denyOutside(actor, facts, resource);
  return why === null ? { allowed: true, policies: [] } : verdictOf(why, facts.chain);
}

function denyFallen({ tenantStatus, principal }: DecisionFacts, now: Date): Denial | null {
  if (tenantStatus !== 'active')
    return denial(
      'tenant_frozen',
      'Everything in this organisation is frozen. An IT admin can lift the freeze.',
    );
  if (principal === null) return denial('principal_inactive', 'The principal no longer exists here.');
  return standingOf(principal) ?? (isOutdated(principal, now) ? directoryOutdated(principal) : null);
}

/**
 * Checks the resource bounds of another system's scope. `denyDelegated` has already checked people. If the
 * check names no resource, only `*` covers it.
 */
function denyOutside(
  actor: AgentActor,
  { chain }: DecisionFacts,
  resource: { readonly text: string } | { readonly personId: string } | null,
): Denial | null {
  if (resource !== null && 'personId' in resource) return null;
  const narrow = actor.details?.resources ?? null;
  const bounds = [...chain.map((mandate) => mandate.resources), ...(narrow === null ? [] : [narrow])];
  const within = bounds.every((patterns) =>
    resource === null ? patterns.includes('*') : coversText(patterns, resource.text),
  );
  if (within) return null;
  const named = resource === null ? null : `resource:${resource.text}`;
  return denial(
    'outside_mandate',
    resource === null
      ? 'The mandate is limited to certain resources, and the check names none. Send "resource": a name in your own system, or person:<id or work email>.'
      : `The mandate does not cover this resource. ${nameOf(resource.text)}`,
    { missing: { mandate: { resource: named }, by: actor.personId } },
  );
}

/** What to do about a resource that is not covered; often it is only named in the wrong form. */
function nameOf(text: string): string {
  if (text.startsWith('resource:'))
    return 'Omit the prefix "resource:". Mandates use it; checks send the name alone.';
  if (/^[^\s:]+@[^\s:]+$/.test(text)) return `To name a person, use the prefix "person:": person:${text}.`;
  return 'Ask the principal for a mandate that does.';
}

async function frozenFor(
  deciding: Deciding,
  actor: AgentActor,
  why: Denial,
): Promise<DecisionFacts['chain']> {
  if (why.code !== 'mandate_frozen') return [];
  const nothing = { principalId: null, agentId: null, targets: [] };
  return (await deciding.facts({ ...nothing, mandateId: actor.mandateId })).chain;
}

/**
 * A denial as other systems see it. A mandate that is frozen because authority was lost gives both reasons.
 */
export function verdictOf(
  why: Denial,
  chain: readonly { readonly reason: string | null; readonly state: string }[],
): Verdict {
  const lost = chain.some((mandate) => mandate.state === 'frozen' && mandate.reason === 'authority_lost');
  const first = reasonOf(why.code);
  return {
    allowed: false,
    reasons: first === 'MANDATE_FROZEN' && lost ? [first, 'AUTHORITY_LOST'] : [first],
    message: why.message,
    missing: why.missing ?? null,
  };
}

const REASONS: Partial<Record<DenialCode, VerifyReason>> = {
  tenant_frozen: 'TENANT_FROZEN',
  principal_inactive: 'PRINCIPAL_INACTIVE',
  directory_outdated: 'PRINCIPAL_INACTIVE',
  agent_disabled: 'AGENT_DISABLED',
  no_matching_mandate: 'NO_MATCHING_MANDATE',
  mandate_revoked: 'MANDATE_REVOKED',
  mandate_frozen: 'MANDATE_FROZEN',
  mandate_expired: 'MANDATE_EXPIRED',
  mandate_not_started: 'OUTSIDE_WINDOW',
  uses_exhausted: 'USES_EXHAUSTED',
  scope_not_delegated: 'SCOPE_NOT_DELEGATED',
  tool_not_delegated: 'OUTSIDE_MANDATE',
  outside_mandate: 'OUTSIDE_MANDATE',
  outside_window: 'OUTSIDE_WINDOW',
  amount_exceeded: 'AMOUNT_EXCEEDED',
  authority_lost: 'AUTHORITY_LOST',
  step_up_required: 'STEP_UP_REQUIRED',
  no_approver: 'APPROVAL_REQUIRED',
  too_many_open: 'APPROVAL_REQUIRED',
};

/**
 * The reason that other systems see for a denial. A code without a reason of its own counts as forbidden by
 * policy.
 */
export const reasonOf = (code: DenialCode): VerifyReason => REASONS[code] ?? 'FORBIDDEN_BY_POLICY';

/**
 * The reason why a token was refused: what it depends on, if that is why, otherwise the token itself.
 * Rethrows any other error.
 */
export function tokenReason(error: unknown): VerifyReason {
  if (!(error instanceof Fault) || error.code !== 'unauthenticated') throw error;
  const { reason } = error.detail;
  return (reason === undefined ? undefined : REASONS[reason as DenialCode]) ?? 'TOKEN_INVALID';
}
