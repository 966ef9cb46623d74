import { z } from 'zod';
import { NarrowTerms, Suggestion } from '#domain/approval/suggestion.ts';
import { vote } from '#engine/approve/vote.ts';
import { approvalTarget, defineTool } from '#engine/tool.ts';

export default defineTool({
  name: 'approval_decide',
  title: 'Approve or deny a request',
  lead: 'Decide request',
  description:
    'Approves or denies a request. Only people named by the policy can vote, and never the requester, anyone the request is about, or an agent.',
  input: z
    .object({
      approval_id: z.string().max(40).describe('The approval to decide.'),
      decision: z.enum(['approve', 'deny']).describe('Your vote.'),
      note: z
        .string()
        .trim()
        .max(1000)
        .optional()
        .describe('Note to the requester. A denial requires one of at least three characters.'),
      suggestion: Suggestion.optional().describe('With a denial: what you would approve instead.'),
      narrow: NarrowTerms.optional().describe(
        'With an approval of a mandate: smaller terms. Fields that you omit stay as requested.',
      ),
      version: z.number().int().min(1).describe('Version of the request that you saw.'),
    })
    .refine((input) => input.decision === 'approve' || (input.note?.length ?? 0) >= 3, {
      path: ['note'],
      message: 'a denial requires a reason of at least three characters',
    })
    .refine((input) => input.suggestion === undefined || input.decision === 'deny', {
      path: ['suggestion'],
      message: 'a suggestion is only possible with a denial',
    })
    .refine((input) => input.narrow === undefined || input.decision === 'approve', {
      path: ['narrow'],
      message: 'narrower terms are only possible with an approval',
    }),
  output: z.object({ approval_id: z.string(), state: z.enum(['approved', 'rejected', 'pending']) }),
  scope: 'approval.decide',
  only: 'people',
  worksFrozen: true,
  targets: (input) => [approvalTarget(input.approval_id)],
  effects: 'write',
  danger: 'mild',
  preview: async (_ctx, input) => ({
    changes: [{ what: 'vote', to: input.decision }],
    effect: 'Your vote is counted.',
    reversible: false,
  }),
  run: async (ctx, input) => ({
    approval_id: input.approval_id,
    state: await vote(ctx, {
      approvalId: input.approval_id,
      decision: input.decision,
      note: input.note,
      suggestion: input.suggestion,
      narrow: input.narrow,
      version: input.version,
    }),
  }),
});
