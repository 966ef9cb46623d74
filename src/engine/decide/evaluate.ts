import type * as cedar from '@cedar-policy/cedar-wasm/nodejs';
import type { Actor } from '#domain/actor.ts';
import { denial, type Denial } from '#domain/denial.ts';
import type { Target } from '../tool.ts';
import { nobodyAllows } from './nobody-allows.ts';
import type { ToolPolicies } from './policy-set.ts';

/** One question to Cedar, about one target. */
export interface Evaluation {
  readonly actor: Actor;
  readonly tool: string;
  readonly targetType: Target['type'];
  readonly principal: cedar.EntityJson;
  readonly action: cedar.TypeAndId;
  readonly resource: cedar.EntityJson;
  readonly context: cedar.Context;
  readonly entities: readonly cedar.EntityJson[];
}

/**
 * Cedar's answer for one target: the ids of the policies that matched, or the denial. A policy that cannot be
 * evaluated denies.
 */
export function evaluate(set: ToolPolicies, asked: Evaluation): { matched: string[] } | { denial: Denial } {
  const { principal, action, resource, context } = asked;
  // A person who is both principal and target is one entity.
  const both = sameUid(principal, resource) ? [resource] : [principal, resource];
  const answer = set.ask({
    principal: principal.uid,
    action,
    resource: resource.uid,
    context,
    entities: [...asked.entities, ...both],
  });
  if (answer.type === 'failure')
    return { denial: policyError(answer.errors.map((error) => error.message).join('; ')) };
  const { decision, diagnostics } = answer.response;
  // Cedar skips a policy that fails to evaluate. If that policy is a forbid, skipping it would wrongly allow.
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
  if (decision === 'deny' || permits.length === 0)
    return { denial: nobodyAllows(set, asked.actor, asked.tool, asked.targetType) };
  return { matched: diagnostics.reason };
}

const policyError = (what: string): Denial =>
  denial(
    'policy_error',
    `A policy could not be evaluated (${what}), so the call is denied. An administrator must fix the policy.`,
  );

const sameUid = (a: cedar.EntityJson, b: cedar.EntityJson): boolean =>
  JSON.stringify(a.uid) === JSON.stringify(b.uid);
