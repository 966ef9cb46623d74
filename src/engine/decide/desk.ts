import type { Actor } from '#domain/actor.ts';
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
import { whoCan } from '../who-can.ts';
import { dryRun } from './dry-run.ts';
import type { Policy } from './parse.ts';
import type { PolicySet } from './policy-set.ts';
import {
  asking,
  changedText,
  narrowedIn,
  requireApprovable,
  requireSameAuthority,
  requirementId,
  withoutStaying,
} from './requirement-change.ts';
import { requireWayBack } from './way-back.ts';

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
        policies: outlineOf(set, parts.catalogue),
        problem: set.problem,
        singleAdmin,
      };
    },
    check: async (text) => {
      const changed = await policies.ofText(reader.tenantId, text);
      const inForce = await policies.inForce(await policyFacts(reader), (version) =>
        policyVersion(reader, version),
      );
      await requireWayBack(parts, reader, { inForce, changed });
      return { digest: sha256(text), policies: outlineOf(changed, parts.catalogue) };
    },
    withRequirement: (change) => withRequirement(parts, reader, change),
    dryRun: (text, days) => dryRun(parts, reader, text, days),
    whoCan: (question) => whoCan(parts, reader, actor, question),
  };
}

async function withRequirement(
  parts: Parameters<typeof policyDesk>[0],
  reader: TenantReader,
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
  requireSameAuthority(set, changed);
  await requireWayBack(parts, reader, { inForce: set, changed });
  // A policy that is narrowed in these cases still stands, and asks nothing in them.
  const asked = (from: PolicySet, of: string) => {
    const narrowed = narrowedIn(of, change);
    return [...asking(from, change).filter(({ id }) => !narrowed.has(id)), ...written(from, change)];
  };
  const requirements = (all: readonly Policy[], stays: boolean) =>
    all.flatMap(({ requirement, stays: staying }) =>
      requirement === null || staying !== stays ? [] : [requirement],
    );
  const after = asked(changed, text);
  return {
    version: facts.version,
    text,
    title: entry.tool.title,
    before: requirements(asked(set, begun), false),
    after: requirements(after, false),
    stays: requirements(after, true),
    first,
  };
}

/** The policy that a change of these cases has written, if any. */
const written = (set: PolicySet, change: RequirementChange) => {
  const policy = set.forTool(change.action).policies.get(requirementId(change));
  return policy === undefined ? [] : [policy];
};

function outlineOf(set: PolicySet, { all }: App['catalogue']): PolicyOutline[] {
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
