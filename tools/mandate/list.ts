import { z } from 'zod';
import { cursorField, cutPage, totalField } from '#domain/paging.ts';
import { visibleMandates } from '#domain/mandate/visible.ts';
import { MandateView, mandateViews } from '#domain/mandate/view.ts';
import { mandateItem } from '#engine/mandate-in-words.ts';
import { defineTool, IMPLIED_SCOPE, TENANT_TARGET } from '#engine/tool.ts';

export default defineTool({
  name: 'mandate_list',
  title: 'List mandates',
  description:
    'Lists mandates, newest first: those you gave and those given to your agents. IT admins see all mandates; an agent sees only its own.',
  input: z.object({
    state: z
      .enum(['active', 'frozen', 'revoked', 'expired', 'open', 'all'])
      .default('open')
      .describe('States to return; open means active or frozen.'),
    agent: z
      .string()
      .meta({ ref: 'agent' })
      .optional()
      .describe('Return only mandates of this agent: name or ID.'),
    principal: z
      .string()
      .meta({ ref: 'person' })
      .optional()
      .describe('Return only mandates given by this person: person ID or work email. IT admins only.'),
    limit: z.number().int().min(1).max(100).default(25).describe('Maximum number of mandates to return.'),
    cursor: cursorField('mdt'),
  }),
  output: z.object({
    mandates: z.array(MandateView),
    next_cursor: z.string().nullable(),
    total: totalField,
  }),
  inWords: { lists: { mandates: mandateItem } },
  scope: IMPLIED_SCOPE,
  tokenScope: 'delegation:read',
  command: '/mandate list [state]',
  targets: () => TENANT_TARGET,
  effects: 'read',
  run: async (ctx, input) => {
    const { rows, total } = await visibleMandates(ctx, {
      state: input.state,
      agent: input.agent,
      principal: input.principal,
      limit: input.limit + 1,
      before: input.cursor,
    });
    const { page, next } = cutPage(rows, input.limit);
    return { mandates: await mandateViews(ctx, page), next_cursor: next, total };
  },
});
