import { z } from 'zod';
import { adopt, suggested } from '#engine/approve/adopt.ts';
import { approvalTarget, defineTool, IMPLIED_SCOPE } from '#engine/tool.ts';

export default defineTool({
  name: 'approval_adopt',
  title: 'Ask for what was suggested',
  description:
    'After a denial that suggested narrower terms: asks again for exactly those terms. Whoever decides is asked as for any request; approval_wait tells what becomes of it.',
  input: z.object({
    approval_id: z
      .string()
      .max(40)
      .meta({ ref: 'approval' })
      .describe('The approval_id of what was denied with a suggestion.'),
  }),
  output: z.object({
    call_id: z.string(),
    approval_id: z.string().nullable().describe('What to wait for; null where nobody needs to be asked.'),
  }),
  scope: IMPLIED_SCOPE,
  only: 'people',
  command: '/approval adopt <approval_id>',
  targets: (input) => [approvalTarget(input.approval_id)],
  effects: 'write',
  danger: 'mild',
  unseen: () => true,
  preview: async (ctx, input) => {
    const { terms } = await suggested(ctx, ctx.actor, input.approval_id);
    return {
      changes: Object.entries(terms).map(([what, to]) => ({ what, to: JSON.stringify(to) })),
      effect: 'It is asked again with these terms.',
      reversible: true,
    };
  },
  run: async (ctx, input) => {
    const { callId, approvalId } = await adopt(ctx, input.approval_id);
    return { call_id: callId, approval_id: approvalId };
  },
});
