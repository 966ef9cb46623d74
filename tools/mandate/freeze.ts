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
  description:
    'Stops a mandate at once, with everything below it and its tokens, until it is thawed. It can be undone; revoking cannot.',
  input: z.object({
    mandate_id: z.string().max(40).meta({ ref: 'mandate' }).describe('The mandate id (mdt_…).'),
    reason: z.string().trim().min(3).max(500).default('Frozen by hand').describe('Why. Auditors read it.'),
  }),
  output: z.object({
    mandate_id: z.string(),
    cause: z.string().describe('principal: set by the one who gave it; admin: by somebody else.'),
    frozen: z.array(z.string()).describe('Every mandate that is frozen with it.'),
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
      throw new Fault('conflict', `This mandate has ended already (${mandate.state}).`);
    return {
      changes: [{ what: 'state', from: mandate?.state ?? '', to: 'frozen' }],
      effect: 'The mandate and what was handed on of it stop working until it is thawed.',
      reversible: true,
    };
  },
  run: async (ctx, input) => {
    const mandate = await findMandate(ctx, input.mandate_id);
    if (mandate === null) throw new Fault('not_found', 'There is no such mandate here.');
    const cause = handCause(mandate, principalOf(ctx.actor));
    const { reason } = input;
    const frozen = await freezeMandates(ctx, [mandate.id], cause, actorName(ctx.actor), { reason });
    if (!frozen.some((one) => one.id === mandate.id))
      throw new Fault('conflict', 'This mandate has ended already.');
    return { mandate_id: mandate.id, cause, frozen: frozen.map((one) => one.id) };
  },
});
