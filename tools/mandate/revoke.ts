import { z } from 'zod';
import { actorName } from '#domain/actor.ts';
import { revokeMandateTree } from '#domain/mandate/revoke.ts';
import { findMandate } from '#domain/mandate/store.ts';
import { defineTool, mandateTarget } from '#engine/tool.ts';
import { Fault } from '#lib/fault.ts';

export default defineTool({
  name: 'mandate_revoke',
  title: 'Revoke a mandate',
  description:
    'Ends a mandate for good, with everything below it: tokens stop working at once and waiting approvals are withdrawn. Nothing brings it back.',
  input: z.object({
    mandate_id: z.string().max(40).meta({ ref: 'mandate' }).describe('The mandate id (mdt_…).'),
    reason: z
      .string()
      .trim()
      .min(3)
      .max(500)
      .default('Revoked by hand')
      .describe('Why. The parties and auditors read it.'),
  }),
  output: z.object({
    mandate_id: z.string(),
    revoked: z.array(z.string()).describe('Every mandate that ended with it.'),
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
        `This mandate has ended already (${mandate.state}${mandate.reason === null ? '' : `: ${mandate.reason}`}).`,
      );
    }
    return {
      changes: [{ what: 'state', from: mandate?.state ?? '', to: 'revoked' }],
      effect: 'The mandate ends for good, with its tokens and waiting approvals.',
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
