import { setImmediate as othersRun } from 'node:timers/promises';
import { isThroughAgent, type Actor } from '#domain/actor.ts';
import { sampleCalls, type Call } from '#domain/call/sample.ts';
import type { TenantReader } from '#domain/context.ts';
import { decisionFactsOfAll, subjectsOf, type DecisionFacts } from '#domain/decision/facts.ts';
import type { Difference, DryRun } from '#domain/policy/desk.ts';
import { policyFacts, policyVersion } from '#domain/policy/store.ts';
import { Fault } from '#lib/fault.ts';
import { canonicalJson } from '#lib/json.ts';
import type { Catalogue } from '../catalogue.ts';
import { judge, type Decision, type Question } from './decide.ts';
import type { PolicyBook } from './policies.ts';
import type { PolicySet } from './policy-set.ts';

/** The most calls that one dry run decides again. If there were more, it takes every nth. */
export const MAX_CALLS = 2000;
const MAX_DIFFERENCES = 50;
// Questions that are read in one statement. Others run in between.
const TOGETHER = 100;

// The tenants whose dry run is in progress in this process.
const underWay = new Set<string>();

/**
 * Decides the calls of the last days again, with today's facts, under the policies in force and under another
 * text, and returns those whose outcome differs. It compares two texts; it does not judge the past. So it
 * ignores what mandates, groups and targets were then, and takes the targets to hold no administrator role at
 * the provider. Superseded calls are left out, since their successors are included.
 *
 * Throws Fault `invalid_input` if the text cannot be used, and `rate_limited` while another dry run of the
 * tenant is in progress in this process.
 */
export async function dryRun(
  parts: { readonly catalogue: Catalogue; readonly policies: PolicyBook },
  reader: TenantReader,
  text: string,
  days: number,
): Promise<DryRun> {
  const { tenantId } = reader;
  if (underWay.has(tenantId))
    throw new Fault(
      'rate_limited',
      'Another policy test is running in this organisation. Try again when it has finished.',
    );
  underWay.add(tenantId);
  try {
    const draft = await parts.policies.ofText(tenantId, text);
    const inForce = await parts.policies.inForce(await policyFacts(reader), (version) =>
      policyVersion(reader, version),
    );
    const since = new Date(reader.now.getTime() - days * 86_400_000);
    const { calls, total } = await sampleCalls(reader, since, MAX_CALLS);
    const asked = calls.map((call) => askedBy(parts.catalogue, call, [inForce, draft]));
    const questions = [...new Map(asked.flatMap((one) => (one === null ? [] : [[one.key, one]]))).values()];
    const answers = new Map<string, Answers>();
    for (let from = 0; from < questions.length; from += TOGETHER) {
      const some = questions.slice(from, from + TOGETHER);
      const read = await decisionFactsOfAll(
        reader,
        some.map(({ question }) => subjectsOf(question.actor, question.targets)),
      );
      for (const [nth, { key, question }] of some.entries())
        answers.set(key, answersTo(question, read[nth]!, [inForce, draft], reader.now));
      await othersRun();
    }
    const found: Difference[] = [];
    let [gone, different] = [0, 0];
    for (const [nth, call] of calls.entries()) {
      const both = answers.get(asked[nth]?.key ?? '') ?? null;
      if (both === null) gone += 1;
      else if (both.now !== both.otherwise) {
        different += 1;
        const { id: callId, tool, summary, createdAt } = call;
        if (found.length < MAX_DIFFERENCES)
          found.push({ callId, tool, summary, at: createdAt.toISOString(), ...both });
      }
    }
    return {
      days,
      calls: calls.length,
      total,
      cut: total > calls.length,
      gone,
      different,
      differences: found,
    };
  } finally {
    underWay.delete(tenantId);
  }
}

/** What both texts say, in words. Null: neither has an answer. */
type Answers = Pick<Difference, 'now' | 'otherwise'> | null;

/** The question of a call, and a text that is equal for equal questions. Null if the tool is gone. */
function askedBy(
  catalogue: Catalogue,
  { tool, input, actor, createdAt }: Call,
  sets: readonly PolicySet[],
): { key: string; question: Question } | null {
  const entry = catalogue.get(tool);
  if (entry === undefined) return null;
  try {
    const targets = entry.tool.targets(input);
    const worth = entry.tool.worth?.(input) ?? null;
    // The provider is not asked about past calls. Targets count as having no role there, in both decisions.
    const adminRoles = new Map(
      targets.flatMap((target) => (target.type === 'Tenant' ? [] : [[target.id, [] as string[]]])),
    );
    const at = looksAtTheClock(sets, tool, actor) ? createdAt.toISOString() : null;
    return {
      key: canonicalJson({ tool, targets, worth, at, actor: { ...actor, jti: null, identity: null } }),
      question: { entry, actor, targets, adminRoles, worth, askedAt: createdAt, anyAge: true },
    };
  } catch (error) {
    if (hasNoAnswer(error)) return null;
    throw error;
  }
}

/** Whether the moment of the call may matter: only policies for agents can read it. */
const looksAtTheClock = (sets: readonly PolicySet[], tool: string, actor: Actor): boolean =>
  isThroughAgent(actor) &&
  sets.some((set) => [...set.forTool(tool).policies.values()].some(({ text }) => /\bnow\b/.test(text)));

function answersTo(
  question: Question,
  facts: DecisionFacts,
  [inForce, draft]: readonly [PolicySet, PolicySet],
  now: Date,
): Answers {
  try {
    return {
      now: words(judge(inForce, question, facts, now)),
      otherwise: words(judge(draft, question, facts, now)),
    };
  } catch (error) {
    if (hasNoAnswer(error)) return null;
    throw error;
  }
}

/** The target no longer exists, or the input fits an older version of the tool. */
const hasNoAnswer = (error: unknown): boolean =>
  error instanceof Fault && (error.code === 'not_found' || error.code === 'invalid_input');

/** A decision in words. Equal decisions give equal words. */
function words(decision: Decision): string {
  if (!decision.allowed) {
    const { code, policy } = decision.denial;
    return `denied (${policy === undefined ? code : `${code}: ${policy}`})`;
  }
  const asks = decision.saved.requirements.map(
    (one) => `${one.policy}: ${one.quorum} of ${one.approver}${one.stepUp ? ' with step-up' : ''}`,
  );
  return asks.length === 0 ? 'allowed' : `allowed after approval (${asks.join('; ')})`;
}
