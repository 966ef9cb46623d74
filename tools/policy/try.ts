import { z } from 'zod';
import { sentence, strong } from '#engine/answer-words.ts';
import { policyText } from '#domain/policy/text.ts';
import { defineTool, TENANT_TARGET } from '#engine/tool.ts';

export default defineTool({
  name: 'policy_try',
  title: 'Try out policies',
  description:
    'Shows which recent calls another policy text would have decided differently, using today’s data. It changes nothing.',
  input: z.object({
    text: z
      .string()
      .max(200_000)
      .optional()
      .meta({ multiline: true })
      .describe(
        'The complete Cedar text. Permits that ship with the product no longer apply, except those marked @stays.',
      ),
    version: z
      .number()
      .int()
      .min(0)
      .optional()
      .describe('Use instead of text: an earlier version. 0 is the text that ships with the product.'),
    days: z.number().int().min(1).max(365).default(30).describe('How many days to look back.'),
  }),
  output: z.object({
    calls: z
      .number()
      .describe('Number of calls that were decided again: all of these days, or a sample of at most 2,000.'),
    total: z.number().describe('Number of calls in these days.'),
    cut: z
      .boolean()
      .describe(
        'True if there were more calls than were decided: then it is every nth call, over all of the days.',
      ),
    gone: z.number().describe('Calls whose tool or target no longer exists.'),
    different: z.number(),
    differences: z
      .array(
        z.object({
          call_id: z.string(),
          tool: z.string(),
          summary: z.string(),
          at: z.iso.datetime(),
          now: z.string(),
          otherwise: z.string(),
        }),
      )
      .describe('The first 50 calls.'),
  }),
  inWords: {
    fields: (one) => [
      ['Calls asked again', `${one.calls}${one.cut ? ` of ${one.total}, spread over all of the days` : ''}`],
      ['Decided otherwise', String(one.different)],
      ['Not asked', one.gone === 0 ? null : `${one.gone}, whose tool or target no longer exists`],
    ],
    lists: {
      differences: {
        heading: 'Calls that the other text decides otherwise',
        sentence: (one) =>
          sentence`${strong(one.summary)} on ${new Date(one.at)}: ${one.now} now, ${one.otherwise} with the other text.`,
        empty: 'The other text decides every one of these calls as the present one does.',
      },
    },
  },
  scope: 'policy.read',
  command: '/policy try [version] [days]',
  targets: () => TENANT_TARGET,
  effects: 'read',
  run: async (ctx, input) => {
    const { text } = await policyText(ctx, input);
    const found = await ctx.policy.dryRun(text, input.days);
    return {
      calls: found.calls,
      total: found.total,
      cut: found.cut,
      gone: found.gone,
      different: found.different,
      differences: found.differences.map(({ callId, ...rest }) => ({ call_id: callId, ...rest })),
    };
  },
});
