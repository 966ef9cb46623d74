import { recentCalls, type Call } from '#domain/call/store.ts';
import type { TenantReader } from '#domain/context.ts';
import { decisionFacts, subjectsOf } from '#domain/decision/facts.ts';
import type { Difference, DryRun } from '#domain/policy/desk.ts';
import { policyVersion } from '#domain/policy/store.ts';
import { Fault } from '#lib/fault.ts';
import type { Catalogue } from '../catalogue.ts';
import { judge, type Decision } from './decide.ts';
import type { PolicyBook, PolicySet } from './policies.ts';

/** At most so many calls are asked again. */
export const MAX_CALLS = 5000;
const MAX_DIFFERENCES = 50;

/** The tenants whose dry run is under way in this process. */
const underWay = new Set<string>();

/**
 * Asks the calls of the last days again, with today's facts, under what is in force now and under another text, and tells which
 * come out otherwise. What a call's mandate, groups and targets were then is not looked at, nor are administrator roles at the
 * provider, which count as unknown: it compares two texts, it does not judge the past. Superseded calls are left out, since their
 * successors are there. One at a time for each tenant. Throws Fault `invalid_input` where the text cannot be used, `rate_limited` while another is under way.
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
      'Another dry run of this organisation is under way. Try again when it has ended.',
    );
  underWay.add(tenantId);
  try {
    const draft = await parts.policies.ofText(tenantId, text);
    const rows = await recentCalls(reader, new Date(reader.now.getTime() - days * 86_400_000), MAX_CALLS + 1);
    const asked = rows.slice(0, MAX_CALLS);
    const found: Difference[] = [];
    let [gone, different] = [0, 0];
    for (const row of asked) {
      const both = await askTwice(parts, reader, row, draft);
      if (both === null) gone += 1;
      else if (both.now !== both.otherwise) {
        different += 1;
        if (found.length < MAX_DIFFERENCES) found.push(both);
      }
    }
    const cut = rows.length > MAX_CALLS;
    return { days, calls: asked.length, cut, gone, different, differences: found };
  } finally {
    underWay.delete(tenantId);
  }
}

async function askTwice(
  { catalogue, policies }: { readonly catalogue: Catalogue; readonly policies: PolicyBook },
  reader: TenantReader,
  row: Call,
  draft: PolicySet,
): Promise<Difference | null> {
  const entry = catalogue.get(row.tool);
  if (entry === undefined) return null;
  const { actor } = row;
  try {
    const targets = entry.tool.targets(row.input);
    const worth = entry.tool.worth?.(row.input) ?? null;
    const facts = await decisionFacts(reader, subjectsOf(actor, targets), false);
    const question = {
      entry,
      actor,
      targets,
      // Roles at the provider are not asked for calls of the past: they count as none, on both sides of the comparison.
      adminRoles: new Map(
        targets.flatMap((target) => (target.type === 'Tenant' ? [] : [[target.id, [] as string[]]])),
      ),
      worth,
      askedAt: row.createdAt,
      anyAge: true,
    } as const;
    const inForce = await policies.inForce(facts.policy, (version) => policyVersion(reader, version));
    return {
      callId: row.id,
      tool: row.tool,
      summary: row.summary,
      at: row.createdAt.toISOString(),
      now: words(judge(inForce, question, facts, reader.now)),
      otherwise: words(judge(draft, question, facts, reader.now)),
    };
  } catch (error) {
    // Its target is not there any more, or its input is of an older tool: neither text has an answer.
    if (error instanceof Fault && (error.code === 'not_found' || error.code === 'invalid_input')) return null;
    throw error;
  }
}

/** A decision in words, equal for equal ones. */
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
