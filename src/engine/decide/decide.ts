import * as cedar from '@cedar-policy/cedar-wasm/nodejs';
import { principalOf, type Actor } from '#domain/actor.ts';
import type { Requirement } from '#domain/approval/approval.ts';
import type { SavedDecision } from '#domain/call/call.ts';
import type { TenantReader } from '#domain/context.ts';
import { denial, type Denial } from '#domain/denial.ts';
import { authorityOf } from '#domain/group/authority.ts';
import { findPerson } from '#domain/person/store.ts';
import { standingOf } from '#domain/person/standing.ts';
import { theTenant } from '#domain/tenant/store.ts';
import type { CatalogueEntry } from '../catalogue.ts';
import type { Target, Targets } from '../tool.ts';
import { actionParents } from './schema.ts';
import { delegated } from './delegated.ts';
import { personEntity, targetEntity, type AdminRoles } from './entities.ts';
import type { PolicySet, ToolPolicies } from './policies.ts';

export interface Question {
  readonly entry: CatalogueEntry;
  readonly actor: Actor;
  readonly targets: Targets;
  readonly adminRoles: AdminRoles;
}

export type Decision =
  | { readonly allowed: true; readonly saved: SavedDecision }
  | { readonly allowed: false; readonly denial: Denial };

/**
 * One question, one place: may this actor use this tool on *every one* of these targets now (design/domain.md, "Decide")?
 * Standing, then the mandate's bounds where an agent asks, then Cedar for each target. With `lock`, person, agent and mandate are
 * held against a revocation until the transaction ends (law 2). Everything that cannot be asked is a no; a target that is not
 * there is Fault `not_found`. Requirements are collected, not fulfilled: whoever runs the call must have them approved.
 */
export async function decide(
  reader: TenantReader,
  policies: PolicySet,
  question: Question,
  lock?: 'share' | 'update',
): Promise<Decision> {
  const { entry, actor, targets } = question;
  const refuse = (why: Denial): Decision => ({ allowed: false, denial: why });
  if ((await theTenant(reader)).status !== 'active')
    return refuse(
      denial('tenant_frozen', 'Everything is frozen in this organisation. An administrator can lift it.'),
    );

  const asked = {
    tool: entry.tool.name,
    scope: entry.tool.scope,
    surface: actor.surface,
    through_agent: actor.kind === 'agent',
  };
  const entities: cedar.EntityJson[] = [];
  const principalId = principalOf(actor);
  if (principalId === null) {
    if (actor.kind === 'service')
      entities.push({
        uid: { type: 'Service', id: actor.keyId },
        attrs: { tools: [...actor.tools] },
        parents: [],
      });
  } else {
    const person = await findPerson(reader, principalId, lock === undefined ? undefined : 'share');
    if (person === null)
      return refuse(denial('principal_inactive', 'The person behind this is not known here any more.'));
    const authority = await authorityOf(reader, person.id);
    const fallen =
      standingOf(person) ??
      tokenScopeDenial(entry, actor) ??
      (await delegated(reader, entry, actor, targets, authority, lock));
    if (fallen !== null) return refuse(fallen);
    entities.push(personEntity(person, authority, question.adminRoles.get(person.id)));
  }
  if (entry.tool.only === 'people' && actor.kind !== 'person') {
    return refuse(
      denial(
        'not_for_agents',
        `"${entry.tool.title}" is for people only: somebody with a session must do it.`,
      ),
    );
  }

  const set = policies.forTool(entry.tool.name);
  const matched = new Map<string, Requirement | null>();
  const action = { type: 'Action', id: entry.tool.name };
  entities.push({
    uid: action,
    attrs: {},
    parents: actionParents(entry).map((id) => ({ type: 'Action', id })),
  });
  for (const target of targets) {
    const resource = await targetEntity(reader, target, question.adminRoles);
    const answer = evaluate(set, entities, action, resource, asked);
    if ('denial' in answer) return refuse(answer.denial);
    for (const id of answer.matched) matched.set(id, set.policies.get(id)?.requirement ?? null);
  }
  const ids = [...matched.keys()].sort();
  const requirements = ids.flatMap((id) => matched.get(id) ?? []);
  return { allowed: true, saved: { policies: ids, requirements, policyDigest: set.digest } };
}

function evaluate(
  set: ToolPolicies,
  entities: readonly cedar.EntityJson[],
  action: cedar.TypeAndId,
  resource: cedar.EntityJson,
  context: cedar.Context,
): { matched: string[] } | { denial: Denial } {
  const principal = entities[0]!.uid;
  const others = entities.filter((one) => !sameUid(one, resource));
  const answer = cedar.statefulIsAuthorized({
    principal,
    action,
    resource: resource.uid,
    context,
    preparsedPolicySetId: set.setId,
    entities: [...others, resource],
  });
  if (answer.type === 'failure')
    return { denial: policyError(answer.errors.map((error) => error.message).join('; ')) };
  const { decision, diagnostics } = answer.response;
  // Cedar itself skips a policy that fails to evaluate; a forbid that was skipped would be a wrong allow.
  if (diagnostics.errors.length > 0)
    return { denial: policyError(diagnostics.errors.map((error) => error.policyId).join(', ')) };
  if (decision === 'deny' && diagnostics.reason.length > 0) {
    const policy = set.policies.get(diagnostics.reason[0]!);
    return {
      denial: denial('forbidden_by_policy', policy?.reason ?? 'A policy forbids this.', {
        policy: diagnostics.reason[0]!,
      }),
    };
  }
  const permits = diagnostics.reason.filter((id) => set.policies.get(id)?.addsOnly === false);
  if (decision === 'deny' || permits.length === 0) return { denial: nobodyAllows(set) };
  return { matched: diagnostics.reason };
}

function nobodyAllows(set: ToolPolicies): Denial {
  const who = [...set.policies.values()].flatMap((policy) =>
    policy.effect === 'permit' && !policy.addsOnly && policy.allows !== null ? [policy.allows] : [],
  );
  const may = who.filter((words) => !words.startsWith('API keys'));
  const message =
    may.length === 0
      ? 'No policy allows this to anybody.'
      : `No policy allows this to you for this target. It is allowed to: ${may.join('; ')}. Ask one of them, or an administrator.`;
  return denial('no_policy_allows', message, { missing: { allowed_to: may } });
}

const policyError = (what: string): Denial =>
  denial(
    'policy_error',
    `A policy could not be evaluated (${what}), so the answer is no. An administrator must mend it.`,
  );

function tokenScopeDenial(entry: CatalogueEntry, actor: Actor): Denial | null {
  if (actor.kind !== 'person' || actor.tokenScopes === undefined) return null;
  const needed = entry.tool.tokenScope;
  if (needed !== undefined && actor.tokenScopes.includes(needed)) return null;
  return needed === undefined
    ? denial(
        'token_scope_missing',
        `"${entry.tool.title}" takes no access token of the identity provider. Use Slack, or an agent with a mandate.`,
      )
    : denial(
        'token_scope_missing',
        `Your access token lacks the scope ${needed}. Ask for a token that has it.`,
        { missing: { token_scope: needed } },
      );
}

const sameUid = (a: cedar.EntityJson, b: cedar.EntityJson): boolean =>
  JSON.stringify(a.uid) === JSON.stringify(b.uid);

/** The targets' ids, for finding calls about a thing. */
export const targetIds = (targets: readonly Target[]): string[] =>
  targets.flatMap((target) => (target.type === 'Tenant' ? [] : [target.id]));
