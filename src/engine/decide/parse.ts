import * as cedar from '@cedar-policy/cedar-wasm/nodejs';
import { APPROVER, type ApproverKind, type Requirement } from '#domain/approval/approval.ts';
import { isTrap } from './engine.ts';
import {
  lineColumn,
  lineColumnOfByte,
  placeOf,
  policyPlaces,
  TextError,
  type LineColumn,
} from './policy-places.ts';

/** A Cedar policy with what its annotations ask for. */
export interface Policy {
  readonly id: string;
  readonly text: string;
  readonly effect: 'permit' | 'forbid';
  /** What must happen first if this policy matches, or null. */
  readonly requirement: Requirement | null;
  /**
   * `@adds("requirement")`: it never permits by itself. It only adds its requirement to what another policy
   * permits.
   */
  readonly addsOnly: boolean;
  /**
   * It is shipped and applies whatever a tenant's own text says: every shipped `forbid`, and policies
   * annotated `@stays("always")`.
   */
  readonly stays: boolean;
  /** `@reason`: why it forbids, or why it asks for approval. */
  readonly reason: string | null;
  /** `@allows`: who it permits, in words for somebody who was refused. */
  readonly allows: string | null;
  /** It forbids everything asked through an agent, for any principal and any target. */
  readonly bansAgents: boolean;
  /** The kind of principal and of target that it applies to (`Person`, `Mandate`, …). Null: every kind. */
  readonly about: { readonly principal: string | null; readonly resource: string | null };
  /**
   * Whether it applies only to requests through agents, or never to them. Null: its conditions do not say.
   */
  readonly throughAgent: boolean | null;
  readonly asks: Asks;
}

/**
 * What a policy asks of the person, as far as its conditions say so alone or joined by `&&`. It may ask for
 * more, so whoever lacks one of these is not permitted by it, and whoever has them all may not be either.
 */
export interface Asks {
  /** Roles that `principal.roles` must contain. */
  readonly roles: readonly string[];
  /** Scopes that `principal.scopes` must contain; null stands for the tool's own (`context.scope`). */
  readonly scopes: readonly (string | null)[];
  /** Attributes of the target that the principal must be: `owner`, `manager`. */
  readonly is: readonly string[];
}

/** A parsed policy, with what loading it needs. */
export interface Parsed {
  readonly policy: Policy;
  readonly action: cedar.ActionConstraint;
  /** It is annotated `@stays`, which only shipped policies may be. */
  readonly claimsToStay: boolean;
}

/** Where a text comes from. Only shipped policies may say that they stay. */
export type Origin = 'shipped' | 'tenant';

// The annotations that refine `@approval`.
const NEED_APPROVAL = ['fallback', 'quorum', 'step_up', 'expires'];
// Every known annotation.
const ANNOTATIONS = ['id', 'reason', 'allows', 'adds', 'approval', 'stays', ...NEED_APPROVAL];

/**
 * Parses every policy of a text. Throws a TextError, with Cedar's message where Cedar refuses, if one does
 * not parse, lacks an `@id`, shares it with another or has an unknown annotation; and what Cedar itself
 * throws where its WebAssembly traps. Does not check the schema.
 */
export function parsePolicies(text: string, origin: Origin): Parsed[] {
  const parts = cedar.policySetTextToParts(text);
  if (parts.type === 'failure')
    throw new TextError(
      `the policies do not parse: ${messages(parts.errors)}`,
      firstPlace(text, parts.errors),
    );
  if (parts.policy_templates.length > 0)
    throw new Error('policy templates are not supported; write each policy in full');
  const parsed = parts.policies.map((one) => {
    try {
      return parsePolicy(one, origin);
    } catch (error) {
      // Cedar broke, which says nothing about the text.
      if (isTrap(error)) throw error;
      throw new TextError((error as Error).message, beginOf(text, one));
    }
  });
  const twice = parsed.find(
    (one, index) => parsed.findIndex((other) => other.policy.id === one.policy.id) !== index,
  );
  if (twice !== undefined)
    throw new TextError(`two policies have the id ${twice.policy.id}`, placeOf(text, twice.policy.id));
  return parsed;
}

function parsePolicy(text: string, origin: Origin): Parsed {
  const answer = cedar.policyToJson(text);
  if (answer.type === 'failure') throw new Error(`a policy does not parse: ${messages(answer.errors)}`);
  const { annotations = {}, effect, principal, action, resource, conditions } = answer.json;
  const id = annotations['id'];
  if (id === undefined || id === '') throw new Error(`a policy lacks @id: ${text.slice(0, 80)}`);
  const unknown = Object.keys(annotations).find((name) => !ANNOTATIONS.includes(name));
  if (unknown !== undefined) throw new Error(`policy ${id}: @${unknown} is not a known annotation`);
  const requirement = requirementOf(id, annotations);
  const addsOnly = annotations['adds'] === 'requirement';
  if (addsOnly && requirement === null)
    throw new Error(`policy ${id}: @adds("requirement") requires @approval`);
  if (!addsOnly && annotations['adds'] !== undefined)
    throw new Error(
      `policy ${id}: @adds("${annotations['adds']}") is not supported; only "requirement" can be added`,
    );
  if (effect === 'forbid' && requirement !== null)
    throw new Error(`policy ${id}: @approval has no effect on a forbid`);
  return {
    policy: {
      id,
      text,
      effect,
      requirement,
      addsOnly,
      stays: origin === 'shipped' && (effect === 'forbid' || annotations['stays'] === 'always'),
      reason: annotations['reason'] ?? null,
      allows: annotations['allows'] ?? null,
      bansAgents: effect === 'forbid' && speaksOfAll(answer.json) && isOfAgents(conditions),
      about: { principal: kindOf(principal), resource: kindOf(resource) },
      throughAgent: throughAgentIn(conditions),
      asks: asksIn(conditions),
    },
    action,
    claimsToStay: annotations['stays'] !== undefined,
  };
}

const speaksOfAll = ({ principal, resource }: cedar.PolicyJson): boolean =>
  principal.op === 'All' && resource.op === 'All';

const THROUGH_AGENT: cedar.Expr = { '.': { left: { Var: 'context' }, attr: 'through_agent' } };

const isSame = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);

/** Whether the only condition is `when { context.through_agent }`. */
const isOfAgents = (conditions: readonly cedar.Clause[]): boolean =>
  isSame(conditions, [{ kind: 'when', body: THROUGH_AGENT }]);

/**
 * What the conditions require of `context.through_agent`, as far as it stands there alone or joined by `&&`.
 */
function throughAgentIn(conditions: readonly cedar.Clause[]): boolean | null {
  const parts = required(conditions);
  if (parts.some((part) => isSame(part, THROUGH_AGENT))) return true;
  return parts.some((part) => isSame(part, { '!': { arg: THROUGH_AGENT } })) ? false : null;
}

const PRINCIPAL: cedar.Expr = { Var: 'principal' };
const attribute = (of: 'principal' | 'resource' | 'context', attr: string): cedar.Expr => ({
  '.': { left: { Var: of }, attr },
});
const OWN_SCOPE = attribute('context', 'scope');

function asksIn(conditions: readonly cedar.Clause[]): Asks {
  const parts = required(conditions);
  const contained = (attr: string): unknown[] =>
    parts.flatMap((part) => {
      const call = 'contains' in part ? part.contains : null;
      if (call === null || Array.isArray(call) || !isSame(call.left, attribute('principal', attr))) return [];
      if (isSame(call.right, OWN_SCOPE)) return [null];
      return 'Value' in call.right ? [call.right.Value] : [];
    });
  return {
    roles: contained('roles').filter((role) => typeof role === 'string'),
    scopes: contained('scopes').filter((scope) => scope === null || typeof scope === 'string'),
    is: parts.flatMap((part) => {
      const both = '==' in part ? part['=='] : null;
      if (both === null || Array.isArray(both)) return [];
      const other = isSame(both.left, PRINCIPAL)
        ? both.right
        : isSame(both.right, PRINCIPAL)
          ? both.left
          : null;
      const read = other !== null && '.' in other ? other['.'] : null;
      return read !== null && !Array.isArray(read) && isSame(read.left, { Var: 'resource' })
        ? [read.attr]
        : [];
    }),
  };
}

/** Everything that must hold for the policy to match. */
const required = (conditions: readonly cedar.Clause[]): cedar.Expr[] =>
  conditions.flatMap(({ kind, body }) => (kind === 'when' ? conjuncts(body) : []));

function conjuncts(expression: cedar.Expr): cedar.Expr[] {
  const both = '&&' in expression ? expression['&&'] : null;
  // A list is the arguments of a function of Cedar's extensions.
  if (both === null || Array.isArray(both)) return [expression];
  return [...conjuncts(both.left), ...conjuncts(both.right)];
}

/**
 * The entity type that a scope constraint fixes. `in` fixes none, since it matches what is below the entity.
 */
function kindOf(constraint: cedar.PrincipalConstraint | cedar.ResourceConstraint): string | null {
  if (constraint.op === 'is') return constraint.entity_type;
  if (constraint.op !== '==' || !('entity' in constraint)) return null;
  return '__entity' in constraint.entity ? constraint.entity.__entity.type : constraint.entity.type;
}

function requirementOf(id: string, annotations: Record<string, string>): Requirement | null {
  const approver = annotations['approval'];
  if (approver === undefined) {
    const idle = NEED_APPROVAL.find((name) => annotations[name] !== undefined);
    if (idle !== undefined) throw new Error(`policy ${id}: @${idle} has no effect without @approval`);
    return null;
  }
  const number = (name: string, otherwise: number | null) => {
    const value = annotations[name];
    if (value === undefined) return otherwise;
    if (!/^[1-9][0-9]*$/.test(value))
      throw new Error(`policy ${id}: @${name}("${value}") is not a positive number`);
    return Number(value);
  };
  return {
    policy: id,
    // Only shipped policies that stay may ask the principal for confirmation; a tenant's text may repeat them
    // verbatim.
    approver:
      approver === 'principal' && annotations['stays'] !== undefined ? approver : approverKind(id, approver),
    fallback: annotations['fallback'] === undefined ? null : approverKind(id, annotations['fallback']),
    quorum: number('quorum', 1) ?? 1,
    reason: annotations['reason'] ?? 'A policy requires an approval.',
    stepUp: annotations['step_up'] !== undefined,
    expiresSeconds: number('expires', null),
  };
}

function approverKind(id: string, text: string): ApproverKind {
  if (APPROVER.test(text)) return text as ApproverKind;
  throw new Error(
    `policy ${id}: "${text}" is not an approver (use manager, manager_of_target, owner, group:<id>, role:<name>, person:<id> or anyone:<scope>)`,
  );
}

/** Where Cedar saw the first of these errors in the text. */
function firstPlace(text: string, errors: readonly cedar.DetailedError[]): LineColumn | null {
  const start = errors.flatMap(({ sourceLocations = [] }) => sourceLocations)[0]?.start;
  return start === undefined ? null : lineColumnOfByte(text, start);
}

/** Where a policy begins that Cedar has taken out of the text. */
function beginOf(text: string, policy: string): LineColumn | null {
  const place = policyPlaces(text).find(({ from, to }) => text.slice(from, to) === policy.trim());
  return place === undefined ? null : lineColumn(text, place.from);
}

/** Cedar's messages, joined. */
export const messages = (errors: readonly cedar.DetailedError[]): string =>
  errors.map((error) => error.message).join('; ');
