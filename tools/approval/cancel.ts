import { z } from 'zod';
import { actorName } from '#domain/actor.ts';
import { findCall } from '#domain/call/store.ts';
import { withdrawCalls } from '#domain/call/withdraw.ts';
import { ownApproval } from '#engine/approve/own.ts';
import { approvalTarget, defineTool, IMPLIED_SCOPE } from '#engine/tool.ts';
import { Fault } from '#lib/fault.ts';

export default defineTool({
  name: 'approval_cancel',
  title: 'Withdraw a request',
  lead: 'Withdraw request',
  description:
    'Withdraws a request that is still waiting for approval. It does not undo anything that was already decided or executed.',
  input: z.object({
    approval_id: z
      .string()
      .max(40)
      .meta({ ref: 'approval' })
      .describe('approval_id from the response to the original call.'),
  }),
  output: z.object({ status: z.literal('cancelled'), approval_id: z.string() }),
  scope: IMPLIED_SCOPE,
  command: '/approval cancel <approval_id>',
  tightens: true,
  targets: (input) => [approvalTarget(input.approval_id)],
  effects: 'write',
  danger: 'mild',
  preview: async (ctx, input) => {
    const { call } = await ownApproval(ctx, ctx.actor, input.approval_id);
    return {
      changes: [{ what: 'request', from: call.state, to: 'withdrawn' }],
      effect: 'Nobody can approve this request any more.',
      reversible: false,
    };
  },
  run: async (ctx, input) => {
    const own = await ownApproval(ctx, ctx.actor, input.approval_id);
    const call = await findCall(ctx, own.call.id, 'update');
    if (call?.state !== 'waiting')
      throw new Fault(
        'conflict',
        `This request is not waiting for approval: it is ${call?.state ?? 'gone'}.`,
      );
    await withdrawCalls(ctx, [call], { actor: actorName(ctx.actor), reason: 'the requester withdrew it' });
    return { status: 'cancelled' as const, approval_id: input.approval_id };
  },
});
