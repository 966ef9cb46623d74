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
