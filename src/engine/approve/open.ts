import { findApproval, votesOf, type Approval } from '#domain/approval/store.ts';
import { findCall } from '#domain/call/store.ts';
import type { TenantReader } from '#domain/context.ts';
import type { App } from '../app.ts';
import { approverFacts } from './approver-facts.ts';
import { eligibleFor } from './approvers.ts';
import { mayBreakGlass } from './break-glass.ts';

/**
 * The approval, if this person may see all of it in a browser: they can decide it, or could if it were still
 * open; they have voted; or they asked for it and may use break-glass. Null for everybody else, and if there
 * is none.
 */
export async function mayOpen(
  app: Pick<App, 'loginIssuer' | 'catalogue'>,
  reader: TenantReader,
  personId: string,
  approvalId: string,
): Promise<Approval | null> {
  const approval = await findApproval(reader, approvalId);
  const call = approval === null ? null : await findCall(reader, approval.callId);
  if (approval === null || call === null) return null;
  if ((await votesOf(reader, approvalId)).some((vote) => vote.voterId === personId)) return approval;
  if (call.principalId === personId) return (await mayBreakGlass(app, reader, call)) ? approval : null;
  const { requirements } = approval;
  const facts = await approverFacts(reader, [{ call, requirements }]);
  for (const requirement of requirements) {
    const able = eligibleFor(facts, requirement, call, approval.escalatedAt !== null);
    if (able.some((person) => person.id === personId)) return approval;
  }
  return null;
}
