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
  lead: 'Renew mandate',
  description:
    'Extends one of your mandates by the given number of days from now. It needs the same approval as a new mandate; spent uses stay spent.',
  input: z.object({
    mandate_id: z.string().max(40).meta({ ref: 'mandate' }).describe('Mandate ID (mdt_…).'),
    days: daysField.describe('How many days it lasts, counted from now.'),
  }),
  output: z.object({
    mandate_id: z.string(),
    expires_at: z.iso.datetime(),
    summary: z.string().describe('What the mandate allows and forbids, in plain words.'),
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
