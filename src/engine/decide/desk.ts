import { principalOf, type Actor } from '#domain/actor.ts';
import type { TenantReader } from '#domain/context.ts';
import type {
  ChangedRequirement,
  PolicyDesk,
  PolicyOutline,
  RequirementChange,
} from '#domain/policy/desk.ts';
import { policyFacts, policyVersion } from '#domain/policy/store.ts';
import { sha256 } from '#lib/crypto.ts';
import { Fault } from '#lib/fault.ts';
import type { App } from '../app.ts';
import { deadlock } from '../approve/ask.ts';
import { whoCan } from '../who-can.ts';
import { dryRun } from './dry-run.ts';
import type { PolicySet } from './policies.ts';
import {
  asking,
  changedText,
  narrowedBy,
  requireApprovable,
  requirementId,
  withoutStaying,
} from './requirement-change.ts';

/** What governance tools may ask about policies, inside the reader's transaction. */
export function policyDesk(
  parts: Pick<App, 'catalogue' | 'policies' | 'loginIssuer'>,
  reader: TenantReader,
  actor: Actor,
): PolicyDesk {
  const { policies } = parts;
  return {
    shipped: policies.text,
    inForce: async () => {
      const facts = await policyFacts(reader);
      const own = facts.digest === null ? null : await policyVersion(reader, facts.version);
      const text = own?.text ?? policies.text;
      const { version, singleAdmin } = facts;
      const set = await policies.inForce(facts, () => Promise.resolve(own));
      return {
        version,
        text,
        policies: outlined(set, parts.catalogue),
        problem: set.problem,
        singleAdmin,
      };
    },
    check: async (text) => ({
      digest: sha256(text),
      policies: outlined(await policies.ofText(reader.tenantId, text), parts.catalogue),
    }),
    withRequirement: (change) => withRequirement(parts, reader, actor, change),
    dryRun: (text, days) => dryRun(parts, reader, text, days),
    whoCan: (question) => whoCan(parts, reader, actor, question),
  };
}

async function withRequirement(
  parts: Parameters<typeof policyDesk>[0],
  reader: TenantReader,
  actor: Actor,
  change: RequirementChange,
): Promise<ChangedRequirement> {
  const { policies } = parts;
  const entry = parts.catalogue.get(change.action);
  if (entry === undefined)
    throw new Fault('not_found', `There is no action "${change.action}". Tools are named in docs/tools.md.`, {
      field: 'action',
    });
  requireApprovable(entry);
  const facts = await policyFacts(reader);
  const own = facts.digest === null ? null : await policyVersion(reader, facts.version);
  const set = await policies.inForce(facts, () => Promise.resolve(own));
  if (set.problem !== null)
    throw new Fault(
      'conflict',
      `The policies in force cannot be used (${set.problem}). Correct them with policy_set first.`,
    );
  const first = own === null || own.text.trim() === '';
  const begun = first ? withoutStaying(policies.text, set) : own.text;
  const text = changedText(begun, set, change);
  if (text === begun)
    throw new Fault('invalid_input', 'Nothing would change: this is what is asked already.', {
      field: 'approver',
    });
  const changed = await policies.ofText(reader.tenantId, text);
  await requireWayBack(parts, reader, actor, changed, change);
  const asked = (from: PolicySet, stays: boolean) =>
    [...asking(from, change), ...written(from, change)].flatMap(({ requirement, stays: staying }) =>
      requirement === null || staying !== stays ? [] : [requirement],
    );
  return {
    version: facts.version,
    text,
    title: entry.tool.title,
    // Policies that were narrowed still stand; in these cases the written one alone asks.
    before: narrowedBy(begun, change)
      ? written(set, change).flatMap(({ requirement }) => requirement ?? [])
      : asked(set, false),
    after:
      change.approval === 'as_before'
        ? asked(changed, false)
        : written(changed, change).flatMap(({ requirement }) => requirement ?? []),
    stays: asked(changed, true),
    first,
  };
}

/** The policy that a change of these cases has written, if any. */
const written = (set: PolicySet, change: RequirementChange) => {
  const policy = set.forTool(change.action).policies.get(requirementId(change));
  return policy === undefined ? [] : [policy];
};

/** A change of the policies that enough people could not approve would be the last one. Fault `invalid_input`. */
async function requireWayBack(
  parts: Parameters<typeof policyDesk>[0],
  reader: TenantReader,
  actor: Actor,
  changed: PolicySet,
  change: RequirementChange,
): Promise<void> {
  if (change.action !== WAY_BACK) return;
  const requirements = written(changed, change).flatMap(({ requirement }) => requirement ?? []);
  const asked = { tool: WAY_BACK, actor, targets: [], principalId: principalOf(actor), agentId: null };
  const blocked = await deadlock(parts, reader, requirements, asked);
  if (blocked === null) return;
  throw new Fault(
    'invalid_input',
    `Nobody could change the policies any more: ${blocked.message} Ask for fewer approvals of ${WAY_BACK}, or name approvers who are there.`,
    { field: 'quorum' },
  );
}

/** The tool with which every policy can be changed back. */
const WAY_BACK = 'policy_set';

function outlined(set: PolicySet, { all }: App['catalogue']): PolicyOutline[] {
  const tools = all.map(({ tool }) => ({ title: tool.title, policies: set.forTool(tool.name).policies }));
  return set.all.map(({ id, effect, reason, requirement, allows, addsOnly, about, text, stays }) => {
    const titles = tools.filter(({ policies }) => policies.has(id)).map(({ title }) => title);
    return {
      id,
      effect,
      reason,
      requirement,
      allows,
      addsOnly,
      tools: titles.length === tools.length ? null : titles,
      target: about.resource,
      text,
      stays,
    };
  });
}
