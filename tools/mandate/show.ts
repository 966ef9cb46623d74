import { z } from 'zod';
import { findMandate } from '#domain/mandate/store.ts';
import { MandateDetail, mandateDetail } from '#domain/mandate/view.ts';
import { mandateWords } from '#engine/mandate-in-words.ts';
import { defineTool, IMPLIED_SCOPE, mandateTarget } from '#engine/tool.ts';
import { Fault } from '#lib/fault.ts';

export default defineTool({
  name: 'mandate_show',
  title: 'Show a mandate',
  lead: 'Show mandate',
  description:
    'Shows one mandate: what it allows and forbids, whom it covers, when it ends, how often it was used, what was delegated from it, and why it is frozen or has ended.',
  input: z.object({
    mandate_id: z.string().max(40).meta({ ref: 'mandate' }).describe('Mandate ID (mdt_…).'),
  }),
  output: MandateDetail,
  inWords: mandateWords,
  scope: IMPLIED_SCOPE,
  tokenScope: 'delegation:read',
  command: '/mandate show <mandate_id>',
  targets: (input) => [mandateTarget(input.mandate_id)],
  effects: 'read',
  light: true,
  run: async (ctx, input) => {
    const mandate = await findMandate(ctx, input.mandate_id);
    // An agent sees its own mandate; the principal's other mandates do not exist for it.
    if (mandate === null || (ctx.actor.kind === 'agent' && ctx.actor.mandateId !== mandate.id)) {
      throw new Fault('not_found', 'Mandate not found.');
    }
    return mandateDetail(ctx, mandate);
  },
});
