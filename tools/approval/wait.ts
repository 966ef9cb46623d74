import { z } from 'zod';
import { Envelope, envelopeOf } from '#engine/approve/envelope.ts';
import { ownApproval } from '#engine/approve/own.ts';
import { successorOf } from '#engine/approve/successor.ts';
import { outcomeOf } from '#engine/outcome.ts';
import { approvalTarget, defineTool, IMPLIED_SCOPE } from '#engine/tool.ts';

export default defineTool({
  name: 'approval_wait',
  title: 'Wait for an approval',
  lead: 'Wait for approval',
  description:
    'Returns the state of a call that needed approval, waiting up to wait_seconds for a decision. If it was approved and executed, the response contains its result. Do not call this in a tight loop, because people decide.',
  input: z.object({
    approval_id: z.string().max(40).describe('approval_id from the response to the original call.'),
    wait_seconds: z.number().int().min(0).max(25).default(20).describe('How long to wait, in seconds.'),
  }),
  output: Envelope,
  scope: IMPLIED_SCOPE,
  targets: (input) => [approvalTarget(input.approval_id)],
  effects: 'read',
  light: true,
  waits: {
    seconds: (input) => input.wait_seconds,
    on: (output) =>
      output.status === 'pending_approval' || output.status === 'running' ? output.call_id : null,
  },
  run: async (ctx, input) => {
    const own = await ownApproval(ctx, ctx.actor, input.approval_id);
    const { call, approval } = await successorOf(ctx, own);
    return envelopeOf(ctx.approvalPage, (work) => work(ctx), outcomeOf(call, approval?.expiresAt ?? null));
  },
});
