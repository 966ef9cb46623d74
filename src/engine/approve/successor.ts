import { findApproval, type Approval } from '#domain/approval/store.ts';
import { findCall, type Call } from '#domain/call/store.ts';
import type { TenantReader } from '#domain/context.ts';

/** The last successor of a superseded call (law 6), with its approval. Returns any other call unchanged. */
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
