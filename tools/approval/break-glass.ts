import { z } from 'zod';
import { breakGlass } from '#engine/approve/break-glass.ts';
import { approvalTarget, defineTool } from '#engine/tool.ts';

export default defineTool({
  name: 'approval_break_glass',
  title: 'Break glass',
  description:
    'In an emergency, carries out what you asked at Okta without waiting for its approvals. Only for people who are named for it, with a fresh sign-in on the page of the approval; everybody concerned is told at once, and the next use waits for the review of this one.',
  input: z.object({
    approval_id: z.string().max(40).describe('The approval that your request waits for.'),
    why: z
      .string()
      .trim()
      .min(3)
      .max(1000)
      .describe('What the emergency is; everybody who is told reads it, and it stays in the ledger.'),
    version: z.number().int().min(1).describe('The version of the request that you saw.'),
  }),
  output: z.object({ use_id: z.string(), call_id: z.string() }),
  scope: 'approval.break_glass',
  only: 'people',
  targets: (input) => [approvalTarget(input.approval_id)],
  effects: 'write',
  danger: 'destructive',
  preview: async () => ({
    changes: [{ what: 'approvals', from: 'required', to: 'waived once' }],
    effect: 'It is carried out now. Everybody concerned is told, and another human must review it.',
    reversible: false,
  }),
  run: async (ctx, input) => {
    const { useId, callId } = await breakGlass(ctx, {
      approvalId: input.approval_id,
      version: input.version,
      why: input.why,
    });
    return { use_id: useId, call_id: callId };
  },
});
