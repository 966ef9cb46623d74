import { z } from 'zod';
import { breakGlass } from '#engine/approve/break-glass.ts';
import { approvalTarget, defineTool } from '#engine/tool.ts';

export default defineTool({
  name: 'approval_break_glass',
  title: 'Break glass',
  description:
    'Runs your pending Okta request immediately, without its approvals, in an emergency. You must be on the break-glass list and sign in again. Everyone concerned is notified, and this use must be reviewed before the next one.',
  input: z.object({
    approval_id: z.string().max(40).describe('The approval that your request is waiting for.'),
    why: z
      .string()
      .trim()
      .min(3)
      .max(1000)
      .describe('What the emergency is. Everyone who is notified can read this, and it stays in the ledger.'),
    version: z.number().int().min(1).describe('Version of the request that you saw.'),
  }),
  output: z.object({ use_id: z.string(), call_id: z.string() }),
  scope: 'approval.break_glass',
  only: 'people',
  targets: (input) => [approvalTarget(input.approval_id)],
  effects: 'write',
  danger: 'destructive',
  preview: async () => ({
    changes: [{ what: 'approvals', from: 'required', to: 'waived once' }],
    effect: 'The request runs now. Everyone concerned is notified, and another person must review this use.',
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
