import { z } from 'zod';
import { actorName } from '#domain/actor.ts';
import { revokeMandateTree } from '#domain/mandate/revoke.ts';
import { findMandate } from '#domain/mandate/store.ts';
import { defineTool, mandateTarget } from '#engine/tool.ts';
import { Fault } from '#lib/fault.ts';

export default defineTool({
  name: 'mandate_revoke',
  title: 'Revoke a mandate',
  lead: 'Revoke mandate',
  description:
    'Permanently ends a mandate and everything delegated from it. Its tokens stop working immediately, and pending requests are withdrawn.',
  input: z.object({
    mandate_id: z.string().max(40).meta({ ref: 'mandate' }).describe('Mandate ID (mdt_…).'),
    reason: z
      .string()
      .trim()
      .min(3)
      .max(500)
      .default('Revoked by hand')
      .describe('Why you revoke it. The people involved and auditors can read this.'),
  }),
  output: z.object({
    mandate_id: z.string(),
    revoked: z.array(z.string()).describe('All mandates that were revoked.'),
  }),
  scope: 'mandate.revoke',
  tokenScope: 'delegation:revoke',
  command: '/mandate revoke <mandate_id> [reason]',
  tightens: true,
  targets: (input) => [mandateTarget(input.mandate_id)],
  effects: 'write',
  danger: 'serious',
  preview: async (ctx, input) => {
    const mandate = await findMandate(ctx, input.mandate_id);
    if (mandate?.state === 'revoked' || mandate?.state === 'expired') {
      throw new Fault(
        'conflict',
        `This mandate has already ended (${mandate.state}${mandate.reason === null ? '' : `: ${mandate.reason}`}).`,
      );
    }
    return {
      changes: [{ what: 'state', from: mandate?.state ?? '', to: 'revoked' }],
      effect: 'The mandate ends permanently, with its tokens and pending requests.',
      reversible: false,
    };
  },
  run: async (ctx, input) => {
    const ended = await revokeMandateTree(ctx, input.mandate_id, {
      actor: actorName(ctx.actor),
      reason: input.reason,
    });
    return { mandate_id: input.mandate_id, revoked: ended.map((mandate) => mandate.id) };
  },
});
