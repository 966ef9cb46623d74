import type { Actor } from '#domain/actor.ts';
import { findApproval, type Approval } from '#domain/approval/store.ts';
import { findCall, type Call } from '#domain/call/store.ts';
import type { TenantReader } from '#domain/context.ts';
import { Fault } from '#lib/fault.ts';

/**
 * The approval and its call, if they are the actor's own. They belong to (principal, agent, mandate), not to
 * a token or session, so a renewed token still finds them. Throws the same Fault `not_found` for an unknown
 * id and for another actor's approval.
 */
export async function ownApproval(
  reader: TenantReader,
  actor: Actor,
  approvalId: string,
): Promise<{ approval: Approval; call: Call }> {
  const approval = await findApproval(reader, approvalId);
  const call = approval === null ? null : await findCall(reader, approval.callId);
  const mine =
    call !== null &&
    (actor.kind === 'agent'
      ? call.agentId === actor.agentId && call.mandateId === actor.mandateId
      : actor.kind === 'person' && call.principalId === actor.personId);
  if (!mine || approval === null)
    throw new Fault(
      'not_found',
      `There is no approval ${approvalId.slice(0, 40)}. Check that you copied the whole ID.`,
    );
  return { approval, call };
}
