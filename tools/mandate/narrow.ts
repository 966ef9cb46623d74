import { z } from 'zod';
import { actorName } from '#domain/actor.ts';
import * as field from '#domain/mandate/fields.ts';
import { checkNarrowing, narrowMandate } from '#domain/mandate/narrow.ts';
import { defineTool, mandateTarget } from '#engine/tool.ts';

export default defineTool({
  name: 'mandate_narrow',
  title: 'Narrow a mandate',
  lead: 'Narrow mandate',
  description:
    'Reduces a mandate immediately: fewer scopes, resources, tools, uses or hours, an earlier end, or a lower amount. Its existing tokens stop working. To widen it, give a new mandate.',
  input: z.object({
    mandate_id: z.string().max(40).meta({ ref: 'mandate' }).describe('Mandate ID (mdt_…).'),
    scopes: field.scopesField.optional().describe('Scopes to keep.'),
    resources: field.resourcesField
      .optional()
      .describe('Resources to keep, or an email address or person:<id> that they cover now.'),
    tools: field.toolsField.optional().describe('Tools to keep.'),
    amount: field.amountField.optional().describe('A lower maximum amount per use.'),
    currency: field.currencyField.optional().describe('Currency; must be the same as before.'),
    window: field.windowField.optional().describe('A smaller time window, in the same time zone.'),
    max_uses: field.usesField
      .optional()
      .describe('A lower maximum number of uses, counting those already spent.'),
    days: field.daysField.optional().describe('New end, in days from now; must be earlier than before.'),
    may_delegate: field.depthField
      .optional()
      .describe(
        'Fewer levels of delegation. Deeper mandates are revoked; 0 revokes all that were delegated from it.',
      ),
    offline: z.literal(false).optional().describe('Set to false to stop use while the principal is away.'),
  }),
  output: z.object({
    mandate_id: z.string(),
    narrowed: z.array(z.string()).describe('All mandates that were narrowed.'),
    revoked: z
      .array(z.string())
      .describe('Delegated mandates that were revoked because nothing of them was left.'),
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
      effect: 'The mandate is narrowed immediately, and its existing tokens stop working.',
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
