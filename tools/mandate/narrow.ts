import { z } from 'zod';
import { actorName } from '#domain/actor.ts';
import * as field from '#domain/mandate/fields.ts';
import { checkNarrowing, narrowMandate } from '#domain/mandate/narrow.ts';
import { defineTool, mandateTarget } from '#engine/tool.ts';

export default defineTool({
  name: 'mandate_narrow',
  title: 'Narrow a mandate',
  description:
    'Makes a mandate smaller, at once: fewer scopes, resources, tools, uses or hours, an earlier end, a lower amount. Tokens of before stop working. Wider is a new mandate.',
  input: z.object({
    mandate_id: z.string().max(40).meta({ ref: 'mandate' }).describe('The mandate id (mdt_…).'),
    scopes: field.scopesField.optional().describe('The scopes that remain.'),
    resources: field.resourcesField
      .meta({ ref: 'resources' })
      .optional()
      .describe('The resources that remain, or an email address or person:<id> whom they cover now.'),
    tools: field.toolsField.optional().describe('The tools that remain.'),
    amount: field.amountField.optional().describe('A lower amount for each use.'),
    currency: field.currencyField.optional().describe('Its currency, which must be the same as before.'),
    window: field.windowField.optional().describe('Fewer hours, in the same time zone.'),
    max_uses: field.usesField.optional().describe('Fewer uses in all, counting those that are spent.'),
    days: field.daysField.optional().describe('Ends so many days from now: sooner than before.'),
    may_delegate: field.depthField
      .optional()
      .describe('Fewer levels of handing on. What was handed on deeper is revoked; with 0, all of it.'),
    offline: z.literal(false).optional().describe('false: no longer while the principal is away.'),
  }),
  output: z.object({
    mandate_id: z.string(),
    narrowed: z.array(z.string()).describe('Every mandate that became smaller with it.'),
    revoked: z.array(z.string()).describe('What was handed on, and of which nothing was left.'),
    expires_at: z.iso.datetime(),
  }),
  scope: 'mandate.revoke',
  tokenScope: 'delegation:create',
  command: '/mandate narrow <mandate_id>',
  tightens: true,
  targets: (input) => [mandateTarget(input.mandate_id)],
  effects: 'write',
  danger: 'mild',
  preview: async (ctx, { mandate_id, ...asked }) => {
    await checkNarrowing(ctx, mandate_id, asked);
    return {
      changes: Object.entries(asked).flatMap(([what, to]) =>
        to === undefined ? [] : [{ what, to: JSON.stringify(to) }],
      ),
      effect: 'The mandate becomes smaller at once; tokens of before stop working.',
      reversible: false,
    };
  },
  run: async (ctx, { mandate_id, ...asked }) => {
    const { narrowed, revoked, expiresAt } = await narrowMandate(
      ctx,
      mandate_id,
      asked,
      actorName(ctx.actor),
    );
    return { mandate_id, narrowed, revoked, expires_at: expiresAt.toISOString() };
  },
});
