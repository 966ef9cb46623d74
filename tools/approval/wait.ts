import { z } from 'zod';
import { Envelope, envelopeOf } from '#engine/approve/envelope.ts';
import { ownApproval } from '#engine/approve/own.ts';
import { successorOf } from '#engine/approve/successor.ts';
import { outcomeOf } from '#engine/outcome.ts';
import { approvalTarget, defineTool, IMPLIED_SCOPE } from '#engine/tool.ts';

export default defineTool({
  name: 'approval_wait',
  title: 'Wait for an approval',
  description:
    'Tells what became of something that needed approval, waiting up to wait_seconds for a decision. Once it is approved and carried out, the answer holds the result. Do not call it in a tight loop: people decide.',
  input: z.object({
    approval_id: z.string().max(40).describe('The approval_id that the gated call answered.'),
    wait_seconds: z.number().int().min(0).max(25).default(20).describe('How long to wait, in seconds.'),
  }),
  output: Envelope,
  scope: IMPLIED_SCOPE,
  targets: (input) => [approvalTarget(input.approval_id)],
  effects: 'read',
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
