import { z } from 'zod';
import { reviewUse } from '#engine/approve/break-glass.ts';
import { defineTool, TENANT_TARGET } from '#engine/tool.ts';

export default defineTool({
  name: 'approval_review',
  title: 'Review a use of break-glass',
  description:
    'Says what you found when you looked at a use of break-glass. Until somebody other than its user has done so, nobody can break glass again.',
  input: z.object({
    use: z
      .string()
      .regex(/^bgu_[0-9a-z]{26}$/, 'must be the id of a use (bgu_…)')
      .describe('Which use, from break_glass_list or the alarm.'),
    note: z.string().trim().min(3).max(1000).describe('What you found; it stays in the ledger.'),
  }),
  output: z.object({ use_id: z.string(), reviewed: z.boolean() }),
  scope: 'approval.review',
  only: 'people',
  command: '/approval review <use> <note>',
  targets: () => TENANT_TARGET,
  effects: 'write',
  danger: 'serious',
  preview: async (_ctx, input) => ({
    changes: [{ what: input.use, from: 'waits for review', to: 'reviewed' }],
    effect: 'Break-glass can be used again.',
    reversible: false,
  }),
  run: async (ctx, input) => {
    await reviewUse(ctx, input.use, input.note);
    return { use_id: input.use, reviewed: true };
  },
});
