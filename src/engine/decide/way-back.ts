import type { Actor } from '#domain/actor.ts';
import type { TenantReader } from '#domain/context.ts';
import { decisionFacts, subjectsOf } from '#domain/decision/facts.ts';
import type { Denial } from '#domain/denial.ts';
import { peopleOfRole } from '#domain/group/authority.ts';
import { Fault } from '#lib/fault.ts';
import type { App } from '../app.ts';
import { findDeadlock } from '../approve/ask.ts';
import { TENANT_TARGET } from '../tool.ts';
import { judge } from './decide.ts';
import type { PolicySet } from './policy-set.ts';

/** The tool with which every policy can be changed back. */
const WAY_BACK = 'policy_set';
/** So many IT admins are asked before it is said that none of them can. */
const MAX_ADMINS = 200;

/**
 * Throws Fault `invalid_input` if some IT admin can get a change of the policies approved now, and none could
 * under `changed`: a change that nobody could take back. Each of them is decided as if they asked in Slack,
 * with the people who are there now. Unlike the examination of a text, this counts approvers.
 */
export async function requireWayBack(
  parts: Pick<App, 'catalogue' | 'loginIssuer'>,
  reader: TenantReader,
  { inForce, changed }: { readonly inForce: PolicySet; readonly changed: PolicySet },
): Promise<void> {
  const blocked = await blockedForAll(parts, reader, changed);
  if (blocked === null || (await blockedForAll(parts, reader, inForce)) !== null) return;
  throw new Fault(
    'invalid_input',
    `Nobody could change the policies any more: ${blocked.message} Ask for fewer approvals of ${WAY_BACK}, or name approvers who are there.`,
  );
}

/** Why no IT admin could get a change of policies through under this set; null where one could. */
async function blockedForAll(
  parts: Pick<App, 'catalogue' | 'loginIssuer'>,
  reader: TenantReader,
  set: PolicySet,
): Promise<Denial | null> {
  const entry = parts.catalogue.get(WAY_BACK);
  if (entry === undefined) throw new Error(`the catalogue has no ${WAY_BACK}`);
  let blocked: Denial | null = null;
  for (const admin of (await peopleOfRole(reader, 'it_admin')).slice(0, MAX_ADMINS)) {
    const actor: Actor = { kind: 'person', surface: 'slack', personId: admin.id, identity: {} };
    const question = { entry, actor, targets: TENANT_TARGET, adminRoles: new Map(), anyAge: true } as const;
    const facts = await decisionFacts(reader, subjectsOf(actor, TENANT_TARGET), false);
    const decision = judge(set, question, facts, reader.now);
    blocked = decision.allowed
      ? await findDeadlock(parts, reader, decision.saved.requirements, {
          tool: WAY_BACK,
          actor,
          targets: [],
          principalId: admin.id,
          agentId: null,
        })
      : decision.denial;
    if (blocked === null) return null;
  }
  return blocked;
}
