import { recentCalls, type Call } from '#domain/call/store.ts';
import type { TenantReader } from '#domain/context.ts';
import { decisionFacts, subjectsOf } from '#domain/decision/facts.ts';
import type { Difference, DryRun } from '#domain/policy/desk.ts';
import { policyVersion } from '#domain/policy/store.ts';
import { Fault } from '#lib/fault.ts';
import type { Catalogue } from '../catalogue.ts';
import { judge, type Decision } from './decide.ts';
import type { PolicyBook } from './policies.ts';
import type { PolicySet } from './policy-set.ts';

/** The most calls that one dry run decides again. */
export const MAX_CALLS = 5000;
const MAX_DIFFERENCES = 50;

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
      // The provider is not asked about past calls. Targets count as having no role there, in both decisions.
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
    // The target no longer exists, or the input fits an older version of the tool: neither text has an
    // answer.
    if (error instanceof Fault && (error.code === 'not_found' || error.code === 'invalid_input')) return null;
    throw error;
  }
}

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
