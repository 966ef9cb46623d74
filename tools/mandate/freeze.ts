import { z } from 'zod';
import { actorName, principalOf } from '#domain/actor.ts';
import { handCause } from '#domain/mandate/causes.ts';
import { freezeMandates } from '#domain/mandate/freeze.ts';
import { findMandate } from '#domain/mandate/store.ts';
import { defineTool, mandateTarget } from '#engine/tool.ts';
import { Fault } from '#lib/fault.ts';

export default defineTool({
  name: 'mandate_freeze',
  title: 'Freeze a mandate',
  lead: 'Freeze mandate',
  description:
    'Freezes a mandate immediately, with its tokens and everything delegated from it. Use mandate_thaw to undo it; to end a mandate permanently, use mandate_revoke.',
  input: z.object({
    mandate_id: z.string().max(40).meta({ ref: 'mandate' }).describe('Mandate ID (mdt_…).'),
    reason: z
      .string()
      .trim()
      .min(3)
      .max(500)
      .default('Frozen by hand')
      .describe('Why you freeze it. Auditors can read this.'),
  }),
  output: z.object({
    mandate_id: z.string(),
    cause: z.string().describe('principal: frozen by the person who gave it; admin: by someone else.'),
    frozen: z.array(z.string()).describe('All mandates that were frozen.'),
  }),
  scope: 'mandate.revoke',
  tokenScope: 'delegation:revoke',
  command: '/mandate freeze <mandate_id> [reason]',
  tightens: true,
  targets: (input) => [mandateTarget(input.mandate_id)],
  effects: 'write',
  danger: 'serious',
  preview: async (ctx, input) => {
    const mandate = await findMandate(ctx, input.mandate_id);
    if (mandate?.state === 'revoked' || mandate?.state === 'expired')
      throw new Fault('conflict', `This mandate has already ended (${mandate.state}).`);
    return {
      changes: [{ what: 'state', from: mandate?.state ?? '', to: 'frozen' }],
      effect: 'The mandate and everything delegated from it stop working until it is thawed.',
      reversible: true,
    };
  },
  run: async (ctx, input) => {
    const mandate = await findMandate(ctx, input.mandate_id);
    if (mandate === null) throw new Fault('not_found', 'Mandate not found.');
    const cause = handCause(mandate, principalOf(ctx.actor));
    const { reason } = input;
    const frozen = await freezeMandates(ctx, [mandate.id], cause, actorName(ctx.actor), { reason });
    if (!frozen.some((one) => one.id === mandate.id))
      throw new Fault('conflict', 'This mandate has already ended.');
    return { mandate_id: mandate.id, cause, frozen: frozen.map((one) => one.id) };
  },
});
