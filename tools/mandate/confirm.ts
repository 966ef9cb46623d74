import { z } from 'zod';
import { actorName, principalOf } from '#domain/actor.ts';
import { CREDENTIALS_CHANGED } from '#domain/mandate/causes.ts';
import { isHighValueMandate } from '#domain/mandate/scopes.ts';
import { findMandate } from '#domain/mandate/store.ts';
import { credentialKinds, liveKeys } from '#domain/agent/credentials.ts';
import { findAgent } from '#domain/agent/store.ts';
import { liftCause } from '#domain/mandate/thaw.ts';
import { findPerson } from '#domain/person/store.ts';
import { defineTool, mandateTarget } from '#engine/tool.ts';
import { Fault } from '#lib/fault.ts';

export default defineTool({
  name: 'mandate_confirm',
  title: 'Confirm a mandate',
  lead: 'Confirm mandate',
  description:
    "Resumes your mandate after its agent's keys or owner have changed. It needs the same approval as a new mandate, and does not lift other freezes.",
  input: z.object({
    mandate_id: z.string().max(40).meta({ ref: 'mandate' }).describe('Mandate ID (mdt_…).'),
  }),
  output: z.object({ mandate_id: z.string(), state: z.string(), reason: z.string().nullable() }),
  scope: 'mandate.create',
  only: 'people',
  command: '/mandate confirm <mandate_id>',
  targets: (input) => [mandateTarget(input.mandate_id)],
  loosens: true,
  effects: 'write',
  danger: 'serious',
  context: async (ctx, input) => ({ high_value: await isHighValueMandate(ctx, input.mandate_id) }),
  preview: async (ctx, input) => {
    const mandate = await findMandate(ctx, input.mandate_id);
    if (mandate?.state !== 'frozen')
      throw new Fault('conflict', 'This mandate is not waiting for your confirmation.');
    const agent = await findAgent(ctx, mandate.agentId);
    const owner = agent === null ? null : await findPerson(ctx, agent.ownerId);
    // Named, so that a confirmation is good for the credentials that were seen, and for no later ones (law
    // 6).
    const proofs = agent === null ? [] : credentialKinds(agent, await liveKeys(ctx, agent.id));
    return {
      changes: [
        { what: 'state', from: 'frozen', to: 'confirmed' },
        { what: 'credentials of the agent', to: proofs.join(', ') || 'none' },
      ],
      effect: `${agent?.name ?? mandate.agentId}, owned by ${owner?.displayName ?? 'an unknown person'}, can use this mandate again.`,
      reversible: true,
    };
  },
  run: async (ctx, input) => {
    const mandate = await findMandate(ctx, input.mandate_id, 'update');
    if (mandate === null || mandate.principalId !== principalOf(ctx.actor))
      throw new Fault('forbidden', 'Only the person who gave a mandate can confirm it.');
    await liftCause(ctx, [mandate.id], CREDENTIALS_CHANGED, actorName(ctx.actor));
    const after = await findMandate(ctx, mandate.id);
    return { mandate_id: mandate.id, state: after?.state ?? 'gone', reason: after?.reason ?? null };
  },
});
