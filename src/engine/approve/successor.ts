import { findApproval, type Approval } from '#domain/approval/store.ts';
import { findCall, type Call } from '#domain/call/store.ts';
import type { TenantReader } from '#domain/context.ts';

/** The call that stands now for one that was superseded (law 6), at the end of the chain, with its approval. */
export async function successorOf(
  reader: TenantReader,
  pair: { call: Call; approval: Approval | null },
): Promise<{ call: Call; approval: Approval | null }> {
  if (pair.call.state !== 'superseded' || pair.call.successorId === null) return pair;
  const call = await findCall(reader, pair.call.successorId);
  if (call === null) return pair;
  return successorOf(reader, {
    call,
    approval: call.approvalId === null ? null : await findApproval(reader, call.approvalId),
  });
}
