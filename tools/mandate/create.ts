import { z } from 'zod';
import { principalOf } from '#domain/actor.ts';
import { checkMandate, createMandate } from '#domain/mandate/create.ts';
import { agentTarget, defineTool } from '#engine/tool.ts';

export default defineTool({
  name: 'mandate_create',
  title: 'Give a mandate',
  description:
    'Lets an agent act for you: which scopes, on whom, for how long, what for. You can give only what you may do yourself.',
  input: z.object({
    agent: z.string().meta({ ref: 'agent' }).describe('The agent: its name or id.'),
    scopes: z
      .array(z.string().min(1).max(200))
      .min(1)
      .max(50)
      .describe('What it may do, as scopes: okta.password.reset, okta.mfa.reset, …'),
    resources: z
      .array(z.string().min(1).max(200))
      .min(1)
      .max(100)
      .meta({ ref: 'resources' })
      .default(['team'])
      .describe(
        'On whom: team (your direct reports), an email address, person:<id>, group:<id>, or * for everybody you may act on.',
      ),
    days: z.number().int().min(1).max(366).default(7).describe('For how many days.'),
    max_uses: z
      .number()
      .int()
      .min(1)
      .max(1_000_000)
      .optional()
      .describe('How many times at most; left out: any number.'),
    purpose: z.string().trim().min(3).max(500).describe('What for. Approvers and auditors read it.'),
  }),
  output: z.object({
    mandate_id: z.string(),
    agent: z.string(),
    scopes: z.array(z.string()),
    resources: z.array(z.string()),
    expires_at: z.iso.datetime(),
    summary: z.string().describe('What it allows, in words.'),
  }),
  scope: 'mandate.create',
  tokenScope: 'delegation:create',
  command: '/mandate create [agent] [scopes] [purpose]',
  targets: (input) => [agentTarget(input.agent)],
  effects: 'write',
  danger: 'serious',
  preview: async (ctx, input) => {
    const { summary } = await checkMandate(ctx, principalOf(ctx.actor), input);
    return { changes: [{ what: 'mandate', to: summary }], effect: summary, reversible: true };
  },
  run: async (ctx, input) => createMandate(ctx, principalOf(ctx.actor), input, ctx.callId),
});
