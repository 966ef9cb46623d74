import { z } from 'zod';
import { actorName, principalOf } from '#domain/actor.ts';
import { handCause } from '#domain/mandate/causes.ts';
import { freezeCauses, findMandate } from '#domain/mandate/store.ts';
import { thawMandate } from '#domain/mandate/thaw.ts';
import { defineTool, mandateTarget } from '#engine/tool.ts';
import { Fault } from '#lib/fault.ts';

export default defineTool({
  name: 'mandate_thaw',
  title: 'Thaw a mandate',
  lead: 'Thaw mandate',
  description:
    'Lifts a freeze: principals can thaw their own freezes; the principal’s manager and IT admins can thaw those made by others. The mandate works again when no cause is left, and old tokens stay invalid.',
  input: z.object({
    mandate_id: z.string().max(40).meta({ ref: 'mandate' }).describe('Mandate ID (mdt_…).'),
  }),
  output: z.object({
    mandate_id: z.string(),
    lifted: z.string(),
    thawed: z.array(z.string()).describe('All mandates that work again.'),
    causes_left: z.array(z.string()).describe('Causes that still keep it frozen.'),
  }),
  scope: 'mandate.create',
  command: '/mandate thaw <mandate_id>',
  targets: (input) => [mandateTarget(input.mandate_id)],
  loosens: true,
  effects: 'write',
  danger: 'serious',
  preview: async (ctx, input) => {
    const mandate = await findMandate(ctx, input.mandate_id);
    const causes = (await freezeCauses(ctx, [input.mandate_id])).get(input.mandate_id) ?? [];
    if (mandate?.state !== 'frozen') throw new Fault('conflict', 'This mandate is not frozen.');
    const cause = handCause(mandate, principalOf(ctx.actor));
    const left = causes.filter((one) => one !== cause);
    const effect =
      left.length === 0 ? 'The mandate works again.' : `It stays frozen because of: ${left.join(', ')}.`;
    return { changes: [{ what: 'cause', from: cause, to: 'lifted' }], effect, reversible: true };
  },
  run: async (ctx, input) => {
    const mandate = await findMandate(ctx, input.mandate_id);
    if (mandate === null) throw new Fault('not_found', 'Mandate not found.');
    const cause = handCause(mandate, principalOf(ctx.actor));
    const { thawed, left } = await thawMandate(ctx, mandate.id, cause, actorName(ctx.actor));
    return { mandate_id: mandate.id, lifted: cause, thawed, causes_left: left };
  },
});
