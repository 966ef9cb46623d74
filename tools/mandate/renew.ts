import { z } from 'zod';
import { principalOf } from '#domain/actor.ts';
import { daysField } from '#domain/mandate/fields.ts';
import { checkRenewal, renewMandate } from '#domain/mandate/renew.ts';
import { isHighValueMandate } from '#domain/mandate/scopes.ts';
import { isOwnPortal } from '#domain/tenant/own-portal.ts';
import { defineTool, mandateTarget } from '#engine/tool.ts';

export default defineTool({
  name: 'mandate_renew',
  title: 'Renew a mandate',
  description:
    'Lets a mandate of yours run on as it is, for so many days from now. It asks the approval that giving it asked; uses that are spent stay spent.',
  input: z.object({
    mandate_id: z.string().max(40).meta({ ref: 'mandate' }).describe('The mandate id (mdt_…).'),
    days: daysField.describe('For how many days from now.'),
  }),
  output: z.object({
    mandate_id: z.string(),
    expires_at: z.iso.datetime(),
    summary: z.string().describe('What it allows and forbids, in words.'),
  }),
  scope: 'mandate.create',
  tokenScope: 'delegation:create',
  command: '/mandate renew <mandate_id> [days]',
  targets: (input) => [mandateTarget(input.mandate_id)],
  effects: 'write',
  danger: 'serious',
  context: async (ctx, input) => ({
    own_portal: await isOwnPortal(ctx, ctx.actor),
    high_value: await isHighValueMandate(ctx, input.mandate_id),
  }),
  preview: async (ctx, input) => {
    const { summary, mandate } = await checkRenewal(
      ctx,
      principalOf(ctx.actor),
      input.mandate_id,
      input.days,
    );
    const from = mandate.expiresAt.toISOString();
    return {
      changes: [{ what: 'end', from, to: `${input.days} days from now` }],
      effect: summary,
      reversible: true,
    };
  },
  run: async (ctx, input) =>
    renewMandate(ctx, principalOf(ctx.actor), input.mandate_id, input.days, ctx.callId),
});
