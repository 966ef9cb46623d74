import { z } from 'zod';
import { actorName } from '#domain/actor.ts';
import { dismissHolds, heldPeople, requireBack } from '#domain/breaker/settle.ts';
import { defineTool, personTargets } from '#engine/tool.ts';

export default defineTool({
  name: 'breaker_dismiss',
  title: 'Dismiss held revocations',
  description:
    'Discards the revocations that the mass-change breaker holds for these people and thaws the mandates it froze. Use it when the deactivations were a mistake, after the source has reactivated the people. Another IT admin must approve.',
  input: z.object({
    people: z
      .array(z.string().regex(/^usr_[0-9a-z]{26}$/, 'must be a person ID (usr_…)'))
      .min(1)
      .max(100)
      .meta({ ref: 'person', hint: 'The people whose revocations are dropped. They must be active again.' })
      .describe(
        'People whose revocations to discard: person IDs from breaker_list. They must be active again.',
      ),
  }),
  output: z.object({
    people: z.number(),
    thawed: z
      .array(z.string())
      .describe(
        'Mandates that work again. Mandates frozen for other reasons stay frozen, and old tokens stay invalid.',
      ),
  }),
  scope: 'breaker.decide',
  only: 'people',
  command: '/breaker dismiss <people>',
  targets: (input) => personTargets(input.people),
  loosens: true,
  effects: 'write',
  danger: 'serious',
  preview: async (ctx, input) => {
    const held = await heldPeople(ctx, input.people);
    requireBack(held);
    return {
      changes: held.map(({ hold, person }) => ({
        what: `revocation of ${person.displayName} (${hold.source})`,
        from: 'held',
        to: 'dismissed',
      })),
      effect: `What ${held.length === 1 ? '1 person' : `${held.length} people`} delegated works again, unless something else blocks it.`,
      reversible: true,
    };
  },
  run: async (ctx, input) => ({
    people: new Set(input.people).size,
    thawed: await dismissHolds(ctx, input.people, actorName(ctx.actor)),
  }),
});
