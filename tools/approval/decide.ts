import { z } from 'zod';
import { NarrowTerms, Suggestion } from '#domain/approval/suggestion.ts';
import { vote } from '#engine/approve/vote.ts';
import { approvalTarget, defineTool } from '#engine/tool.ts';

export default defineTool({
  name: 'approval_decide',
  title: 'Decide',
  description:
    'Approves or denies one request. Only people whom the policy names may, at the moment of the vote; never the requester, a party to it, or an agent.',
  input: z
    .object({
      approval_id: z.string().max(40).describe('What is decided.'),
      decision: z.enum(['approve', 'deny']).describe('Your vote.'),
      note: z
        .string()
        .trim()
        .max(1000)
        .optional()
        .describe('For the requester; a denial needs one of at least three characters.'),
      suggestion: Suggestion.optional().describe('With a denial: what you would approve instead.'),
      narrow: NarrowTerms.optional().describe(
        'With an approval of a mandate: less than was asked. What is left out stays as it was asked.',
      ),
      version: z.number().int().min(1).describe('The version of the request that you saw.'),
    })
    .refine((input) => input.decision === 'approve' || (input.note?.length ?? 0) >= 3, {
      path: ['note'],
      message: 'a denial needs a reason of at least three characters',
    })
    .refine((input) => input.suggestion === undefined || input.decision === 'deny', {
      path: ['suggestion'],
      message: 'a suggestion goes with a denial',
    })
    .refine((input) => input.narrow === undefined || input.decision === 'approve', {
      path: ['narrow'],
      message: 'only an approval can give less',
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
    effect: 'Your vote counts.',
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
