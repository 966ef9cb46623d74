import { z } from 'zod';
import { reviewUse } from '#engine/approve/break-glass.ts';
import { defineTool, TENANT_TARGET } from '#engine/tool.ts';

export default defineTool({
  name: 'approval_review',
  title: 'Review a break-glass use',
  description:
    'Records your review of a break-glass use. Nobody can break glass again until someone other than the person who used it has done this.',
  input: z.object({
    use: z
      .string()
      .regex(/^bgu_[0-9a-z]{26}$/, 'must be a break-glass use ID (bgu_…)')
      .describe('Break-glass use ID, from break_glass_list or the alarm.'),
    note: z.string().trim().min(3).max(1000).describe('What you found. It stays in the ledger.'),
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
