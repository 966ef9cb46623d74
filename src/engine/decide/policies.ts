import { readdir, readFile } from 'node:fs/promises';
import * as cedar from '@cedar-policy/cedar-wasm/nodejs';
import type { ApproverKind, Requirement } from '#domain/approval/approval.ts';
import { sha256 } from '#lib/crypto.ts';
import type { Catalogue, CatalogueEntry } from '../catalogue.ts';
import { actionParents, cedarSchema } from './schema.ts';

/** One Cedar policy with what its annotations ask for. */
export interface Policy {
  readonly id: string;
  readonly text: string;
  readonly effect: 'permit' | 'forbid';
  /** What must happen first where this policy matches, or null. */
  readonly requirement: Requirement | null;
  /** `@adds("requirement")`: it never permits by itself, it only adds its requirement to what another policy permits. */
  readonly addsOnly: boolean;
  /** `@reason`: why it forbids, or why it asks. */
  readonly reason: string | null;
  /** `@allows`: whom it permits, in words for somebody who was refused. */
  readonly allows: string | null;
}

/** The policies that can matter for one tool, prepared once; tenant-wide forbids are in every tool's set. */
export interface ToolPolicies {
  /** Name of the prepared set in Cedar's own cache. */
  readonly setId: string;
  /** SHA-256 over the texts, in order. */
  readonly digest: string;
  readonly policies: ReadonlyMap<string, Policy>;
}

export interface PolicySet {
  forTool(tool: string): ToolPolicies;
}

/**
 * Reads every `*.cedar` file of the folder, validates all policies against the schema that follows from the catalogue, and
 * prepares one small set a tool. Throws with Cedar's own words where a policy does not parse or validate, lacks an `@id`, or has
 * an annotation that means nothing: the server then does not start, since it could not decide.
 */
export async function loadPolicies(folder: URL, catalogue: Catalogue): Promise<PolicySet> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.cedar')).sort();
  const texts = await Promise.all(files.map((file) => readFile(new URL(file, folder), 'utf8')));
  return preparePolicies(texts.join('\n'), catalogue);
}

/** The same from one text. */
export function preparePolicies(text: string, catalogue: Catalogue): PolicySet {
  const parts = cedar.policySetTextToParts(text);
  if (parts.type === 'failure') throw new Error(`policies do not parse: ${messages(parts.errors)}`);
  const parsed = parts.policies.map(parsePolicy);
  const twice = parsed.find(
    (one, index) => parsed.findIndex((other) => other.policy.id === one.policy.id) !== index,
  );
  if (twice !== undefined) throw new Error(`two policies have the id ${twice.policy.id}`);
  validate(
    parsed.map((one) => one.policy),
    catalogue,
  );
  const sets = new Map(catalogue.all.map((entry) => [entry.tool.name, prepare(entry, parsed)]));
  return {
    forTool: (tool) => {
      const set = sets.get(tool);
      if (set === undefined) throw new Error(`no policies were prepared for ${tool}`);
      return set;
    },
  };
}

type Parsed = { policy: Policy; action: cedar.ActionConstraint };

function parsePolicy(text: string): Parsed {
  const answer = cedar.policyToJson(text);
  if (answer.type === 'failure') throw new Error(`a policy does not parse: ${messages(answer.errors)}`);
  const { annotations = {}, effect, action } = answer.json;
  const id = annotations['id'];
  if (id === undefined || id === '') throw new Error(`a policy lacks @id: ${text.slice(0, 80)}`);
  const known = new Set([
    'id',
    'reason',
    'allows',
    'adds',
    'approval',
    'fallback',
    'quorum',
    'step_up',
    'expires',
  ]);
  const unknown = Object.keys(annotations).find((name) => !known.has(name));
  if (unknown !== undefined) throw new Error(`policy ${id}: @${unknown} means nothing here`);
  const requirement = requirementOf(id, annotations);
  const addsOnly = annotations['adds'] === 'requirement';
  if (addsOnly && requirement === null)
    throw new Error(`policy ${id}: @adds("requirement") without @approval`);
  return {
    policy: {
      id,
      text,
      effect,
      requirement,
      addsOnly,
      reason: annotations['reason'] ?? null,
      allows: annotations['allows'] ?? null,
    },
    action,
  };
}

function requirementOf(id: string, annotations: Record<string, string>): Requirement | null {
  const approver = annotations['approval'];
  if (approver === undefined) return null;
  const number = (name: string, otherwise: number | null) => {
    const value = annotations[name];
    if (value === undefined) return otherwise;
    if (!/^[1-9][0-9]*$/.test(value))
      throw new Error(`policy ${id}: @${name}("${value}") is no positive number`);
    return Number(value);
  };
  return {
    policy: id,
    approver: approverKind(id, approver),
    fallback: annotations['fallback'] === undefined ? null : approverKind(id, annotations['fallback']),
    quorum: number('quorum', 1) ?? 1,
    reason: annotations['reason'] ?? 'Policy asks for an approval.',
    stepUp: annotations['step_up'] !== undefined,
    expiresSeconds: number('expires', null),
  };
}

function approverKind(id: string, text: string): ApproverKind {
  if (/^(?:manager|manager_of_target|owner|(?:group|role):[a-z0-9_]+)$/.test(text))
    return text as ApproverKind;
  throw new Error(
    `policy ${id}: "${text}" names no approver (manager, manager_of_target, owner, group:<id>, role:<name>)`,
  );
}

function prepare(entry: CatalogueEntry, parsed: readonly Parsed[]): ToolPolicies {
  const names = new Set([entry.tool.name, ...actionParents(entry)]);
  const mine = parsed.filter(({ action }) => {
    if (action.op === 'All') return true;
    const list = 'entities' in action ? action.entities : 'entity' in action ? [action.entity] : [];
    return list.some((uid) => names.has('__entity' in uid ? uid.__entity.id : uid.id));
  });
  const digest = sha256(mine.map(({ policy }) => `${policy.id}\n${policy.text}`).join('\n'));
  const setId = `${entry.tool.name}:${digest}`;
  const answer = cedar.preparsePolicySet(setId, {
    staticPolicies: Object.fromEntries(mine.map(({ policy }) => [policy.id, policy.text])),
  });
  if (answer.type === 'failure')
    throw new Error(`policies for ${entry.tool.name}: ${messages(answer.errors)}`);
  return { setId, digest, policies: new Map(mine.map(({ policy }) => [policy.id, policy])) };
}

function validate(policies: readonly Policy[], catalogue: Catalogue): void {
  const answer = cedar.validate({
    schema: cedarSchema(catalogue),
    policies: { staticPolicies: Object.fromEntries(policies.map((policy) => [policy.id, policy.text])) },
  });
  if (answer.type === 'failure') throw new Error(`policies: ${messages(answer.errors)}`);
  if (answer.validationErrors.length > 0) {
    throw new Error(
      `policies: ${answer.validationErrors.map((one) => `${one.policyId}: ${one.error.message}`).join('; ')}`,
    );
  }
}

const messages = (errors: readonly cedar.DetailedError[]): string =>
  errors.map((error) => error.message).join('; ');
