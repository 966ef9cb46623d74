import { z } from 'zod';
import { adopt, findSuggested } from '#engine/approve/adopt.ts';
import { approvalTarget, defineTool, IMPLIED_SCOPE } from '#engine/tool.ts';

export default defineTool({
  name: 'approval_adopt',
  title: 'Request the suggested terms',
  description:
    'Sends your denied request again with the narrower terms that the approver suggested. The new request needs the same approvals; use approval_wait to follow it.',
  input: z.object({
    approval_id: z
      .string()
      .max(40)
      .meta({ ref: 'approval' })
      .describe('approval_id of the request that was denied with a suggestion.'),
  }),
  output: z.object({
    call_id: z.string(),
    approval_id: z.string().nullable().describe('Approval to wait for, or null if none is needed.'),
  }),
  scope: IMPLIED_SCOPE,
  only: 'people',
  command: '/approval adopt <approval_id>',
  targets: (input) => [approvalTarget(input.approval_id)],
  effects: 'write',
  danger: 'mild',
  unseen: () => true,
  preview: async (ctx, input) => {
    const { terms } = await findSuggested(ctx, ctx.actor, input.approval_id);
    return {
      changes: Object.entries(terms).map(([what, to]) => ({ what, to: JSON.stringify(to) })),
      effect: 'The request is sent again with these terms.',
      reversible: true,
    };
  },
  run: async (ctx, input) => {
    const { callId, approvalId } = await adopt(ctx, input.approval_id);
    return { call_id: callId, approval_id: approvalId };
  },
});
