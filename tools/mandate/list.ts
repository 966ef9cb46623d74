import { z } from 'zod';
import { visibleMandates } from '#domain/mandate/visible.ts';
import { MandateView, mandateViews } from '#domain/mandate/view.ts';
import { mandateItem } from '#engine/mandate-in-words.ts';
import { defineTool, IMPLIED_SCOPE, TENANT_TARGET } from '#engine/tool.ts';

export default defineTool({
  name: 'mandate_list',
  title: 'List mandates',
  description:
    'Lists mandates, newest first: those that you gave, and those given to agents of yours; IT admins see all. An agent sees the one that it acts under.',
  input: z.object({
    state: z
      .enum(['active', 'frozen', 'revoked', 'expired', 'open', 'all'])
      .default('open')
      .describe('Which ones; open: active or frozen.'),
    agent: z.string().meta({ ref: 'agent' }).optional().describe('Only those of this agent: its name or id.'),
    principal: z
      .string()
      .meta({ ref: 'person' })
      .optional()
      .describe('Only those that this person gave: person id or work email. For IT admins.'),
    limit: z.number().int().min(1).max(100).default(25).describe('At most this many.'),
    cursor: z.string().optional().describe('next_cursor of the page before.'),
  }),
  output: z.object({
    mandates: z.array(MandateView),
    next_cursor: z.string().nullable(),
    total: z.number().int().describe('How many there are in all pages.'),
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
    const page = rows.slice(0, input.limit);
    return {
      mandates: await mandateViews(ctx, page),
      next_cursor: rows.length > input.limit ? (page.at(-1)?.id ?? null) : null,
      total,
    };
  },
});
