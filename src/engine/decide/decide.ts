import type * as cedar from '@cedar-policy/cedar-wasm/nodejs';
import { isByToken, isThroughAgent, principalOf, type Actor } from '#domain/actor.ts';
import type { Requirement } from '#domain/approval/approval.ts';
import type { SavedDecision } from '#domain/call/call.ts';
import type { TenantReader } from '#domain/context.ts';
import { decisionFacts, decisionFactsNow, subjectsOf, type DecisionFacts } from '#domain/decision/facts.ts';
import { denial, type Denial } from '#domain/denial.ts';
import type { Worth } from '#domain/mandate/rules.ts';
import { withoutOwnUse } from '#domain/mandate/uses.ts';
import { delegationFrozen, directoryOutdated, isOutdated, standingOf } from '#domain/person/standing.ts';
import { policyVersion } from '#domain/policy/store.ts';
import { Fault } from '#lib/fault.ts';
import { reach } from '#db/reach.ts';
import type { App } from '../app.ts';
import type { CatalogueEntry } from '../catalogue.ts';
import { type AskedContext, IMPLIED_SCOPE, TENANT_TARGET, type Target, type Targets } from '../tool.ts';
import { readonly } from '../transact.ts';
import { actionParents } from './schema.ts';
import { denyDelegated } from './delegated.ts';
import { personEntity, serviceEntity, targetEntity, type AdminRoles } from './entities.ts';
import { evaluate } from './evaluate.ts';
import { notForAgents } from './not-for-agents.ts';
import type { PolicyBook } from './policies.ts';
import type { PolicySet } from './policy-set.ts';

/** What `decide` is asked: may this actor use this tool on these targets? */
export interface Question {
  readonly entry: CatalogueEntry;
  readonly actor: Actor;
  readonly targets: Targets;
  readonly adminRoles: AdminRoles;
  /** What the tool itself adds to the question. Absent: nothing. */
  readonly extra?: AskedContext;
  /** The amount of this use. Null or absent if the tool does not say. */
  readonly worth?: Worth | null;
  /** The call has begun, so its own use of the mandate is already counted. */
  readonly useIsSpent?: boolean;
  /** When it was asked, for policies that look at the clock; absent: now. For questions about the past. */
  readonly askedAt?: Date;
  /**
   * Accepts directory data of any age, because nothing follows from the answer. The call itself decides
   * again, with data that is young enough.
   */
  readonly anyAge?: true;
}

/** The answer: allowed, with what policy requires first, or denied. */
export type Decision =
  | { readonly allowed: true; readonly saved: SavedDecision }
  | { readonly allowed: false; readonly denial: Denial };

/**
 * May this actor use this tool on every one of these targets now? Checks standing, then the mandate's bounds
 * if an agent asks, then Cedar for each target. Whatever cannot be evaluated is denied. With `lock`, person,
 * agent and mandate are locked against a revocation until the transaction ends (law 2).
 *
 * Collects requirements but does not meet them: the caller must have them approved. Throws Fault `not_found`
 * for a target that does not exist.
 */
export async function decide(
  reader: TenantReader,
  policies: Book,
  question: Question,
  lock?: 'share',
): Promise<Decision> {
  const facts = await decisionFacts(reader, subjectsOf(question.actor, question.targets), lock !== undefined);
  const chain = question.useIsSpent === true ? facts.chain.map(withoutOwnUse) : facts.chain;
  const versionOf = (version: number) => policyVersion(reader, version);
  return judgeInForce(policies, question, { ...facts, chain }, reader.now, versionOf);
}

/**
 * Decides like `decide`, but outside of a transaction. One statement reads everything, so the data is as
 * consistent and costs one round trip. It holds no lock: a change must be decided again where it commits.
 * Throws Fault `unavailable` if the database is gone.
 */
export async function decideNow(
  app: Pick<App, 'database' | 'policies' | 'now'>,
  tenantId: string,
  question: Question,
): Promise<Decision> {
  const subjects = subjectsOf(question.actor, question.targets);
  const facts = await reach(decisionFactsNow(app.database.sql, tenantId, subjects));
  const versionOf = (version: number) => readonly(app, tenantId, (reader) => policyVersion(reader, version));
  return judgeInForce(app.policies, question, facts, app.now(), versionOf);
}

/**
 * Why this caller may no longer see the outcome of a call that they began: they or their key, client, token
 * or mandate do not have the tool now. Null if they do. Only an API key's call is decided again for its
 * targets; a person or an agent may have given the target away by this very call.
 */
export async function fallenSince(
  reader: TenantReader,
  policies: Book,
  question: Question,
): Promise<Denial | null> {
  const { entry, actor } = question;
  if (actor.kind === 'service') {
    const decision = await decide(reader, policies, question);
    return decision.allowed ? null : decision.denial;
  }
  const facts = await decisionFacts(reader, subjectsOf(actor, TENANT_TARGET), false);
  const chain = facts.chain.map(withoutOwnUse);
  return (
    denyFallen(question, { ...facts, chain }, reader.now) ??
    denyDelegated(entry, actor, { ...facts, chain }, reader.now, question.worth ?? null)
  );
}

type Book = Pick<PolicyBook, 'inForce' | 'staying'>;

/**
 * A tool that tightens is first decided by the policies that stay. If they permit it, the tenant's own text
 * is not even loaded.
 */
async function judgeInForce(
  policies: Book,
  question: Question,
  facts: DecisionFacts,
  now: Date,
  versionOf: Parameters<PolicyBook['inForce']>[1],
): Promise<Decision> {
  const fallen = denyRevokedKey(question.actor, facts);
  if (fallen !== null) return fallen;
  if (question.entry.tool.tightens === true) {
    const decision = judge(policies.staying, question, facts, now);
    if (decision.allowed) return decision;
  }
  return judge(await policies.inForce(facts.policy, versionOf), question, facts, now);
}

function denyRevokedKey(actor: Actor, facts: DecisionFacts): Decision | null {
  if (actor.kind !== 'service' || facts.keyStands) return null;
  return {
    allowed: false,
    denial: denial('key_revoked', 'This API key has been revoked. An administrator can create a new one.'),
  };
}

/**
 * The decision as a pure function of the facts. Does not check that an API key is still valid. Throws Fault
 * `not_found` for a target that does not exist.
 */
export function judge(policies: PolicySet, question: Question, facts: DecisionFacts, now: Date): Decision {
  const { entry, actor } = question;
  const fallen =
    denyFallen(question, facts, now) ??
    // First: nobody should have to ask for a mandate, key or sign-in that could not change the answer.
    notForAgents(policies, entry, actor) ??
    denyDelegated(entry, actor, facts, now, question.worth ?? null);
  if (fallen !== null) return { allowed: false, denial: fallen };

  const set = policies.forTool(entry.tool.name);
  const context = {
    tool: entry.tool.name,
    scope: entry.tool.scope,
    surface: actor.surface,
    through_agent: isThroughAgent(actor),
    single_admin: facts.policy.singleAdmin,
    high_value: question.extra?.high_value ?? false,
    by_token: isByToken(actor),
    own_portal: question.extra?.own_portal ?? false,
    // Only where an agent asks, so no policy can use the clock to keep people from changing the policies.
    ...(isThroughAgent(actor) && { now: datetime(question.askedAt ?? now) }),
  };
  const action = { type: 'Action', id: entry.tool.name };
  const parents = actionParents(entry).map((id) => ({ type: 'Action', id }));
  const asking = principalEntity(question, facts);
  const matched = new Map<string, Requirement | null>();
  for (const [index, target] of facts.targets.entries()) {
    if (target === null) throw faultOfMissing(question.targets[index]);
    const resource = targetEntity(target, question.adminRoles);
    const answer = evaluate(set, {
      actor,
      tool: entry.tool.name,
      targetType: target.type,
      principal: asking,
      action,
      resource,
      context,
      entities: [{ uid: action, attrs: {}, parents }],
    });
    if ('denial' in answer) return { allowed: false, denial: answer.denial };
    for (const id of answer.matched) matched.set(id, set.policies.get(id)?.requirement ?? null);
  }
  const ids = [...matched.keys()].sort();
  const requirements = ids.flatMap((id) => matched.get(id) ?? []);
  return { allowed: true, saved: { policies: ids, requirements, policyDigest: set.digest } };
}

/** A moment as a value of Cedar's extension type. */
const datetime = (at: Date): cedar.CedarValueJson => ({ __extn: { fn: 'datetime', arg: at.toISOString() } });

function denyFallen(question: Question, facts: DecisionFacts, now: Date): Denial | null {
  const { entry, actor } = question;
  if (facts.tenantStatus !== 'active' && entry.tool.worksFrozen !== true)
    return denial(
      'tenant_frozen',
      'Everything in this organisation is frozen. An IT admin can lift the freeze.',
    );
  if (actor.kind === 'service') return denyOutdated(question, facts, now);
  if (facts.principal === null)
    return denial('principal_inactive', 'The person behind this call no longer exists here.');
  const { principal } = facts;
  const through = actor.kind === 'person' && actor.through !== undefined;
  return (
    standingOf(principal) ??
    (through && principal.delegationFrozen ? delegationFrozen(principal.displayName) : null) ??
    denyTokenScope(entry, actor) ??
    denyClientScope(entry, actor) ??
    denyOutdated(question, facts, now)
  );
}

/**
 * Denies if the directory data of the principal or of a target is older than the tenant allows. The caller
 * then reads it again, or the denial stays.
 */
function denyOutdated({ entry, anyAge }: Question, facts: DecisionFacts, now: Date): Denial | null {
  if (entry.tool.tightens === true || anyAge === true) return null;
  const about = [
    facts.principal,
    ...facts.targets.map((target) => (target?.type === 'Person' ? target.person : null)),
  ];
  const old = about.find((person) => person !== null && isOutdated(person, now));
  return old == null ? null : directoryOutdated(old);
}

function principalEntity({ actor, adminRoles }: Question, { principal }: DecisionFacts): cedar.EntityJson {
  if (actor.kind === 'service') return serviceEntity(actor);
  if (principal === null) throw new Error('a person without standing was let through');
  return personEntity(principal, adminRoles.get(principal.id));
}

function faultOfMissing(target: Target | undefined): Fault {
  const id = target === undefined || target.type === 'Tenant' ? 'thing' : target.id;
  const noun = target?.type.toLowerCase() ?? 'thing';
  return new Fault(
    'not_found',
    `There is no ${noun} ${id.slice(0, 40)}. Check that you copied the whole ID.`,
  );
}

function denyTokenScope(entry: CatalogueEntry, actor: Actor): Denial | null {
  if (actor.kind !== 'person' || actor.tokenScopes === undefined) return null;
  const needed = entry.tool.tokenScope;
  if (needed !== undefined && actor.tokenScopes.includes(needed)) return null;
  return needed === undefined
    ? denial(
        'token_scope_missing',
        `"${entry.tool.title}" does not accept access tokens of the identity provider. Use Slack, or an agent with a mandate.`,
      )
    : denial('token_scope_missing', `Your access token lacks the scope ${needed}. Get a token that has it.`, {
        missing: { token_scope: needed },
      });
}

/** Denies if the person did not grant the tool's scope when they signed in to this client. */
function denyClientScope({ tool }: CatalogueEntry, actor: Actor): Denial | null {
  if (actor.kind !== 'person' || actor.through === undefined || tool.only === 'people') return null;
  if (tool.scope === IMPLIED_SCOPE || actor.through.scopes.includes(tool.scope)) return null;
  return denial(
    'scope_not_delegated',
    `This client does not have the scope ${tool.scope}. Sign in again from the client and allow it, or use Slack.`,
    { missing: { token: { scope: tool.scope } } },
  );
}

/** The ids of the people whose data a decision relies on: the principal and the targets. */
export const peopleOf = (actor: Actor, targets: readonly Target[]): string[] => [
  ...[principalOf(actor)].filter((id) => id !== null),
  ...targets.flatMap((target) => (target.type === 'Person' ? [target.id] : [])),
];

/** The ids of the targets, by which calls about something are found. */
export const targetIds = (targets: readonly Target[]): string[] =>
  targets.flatMap((target) => (target.type === 'Tenant' ? [] : [target.id]));
