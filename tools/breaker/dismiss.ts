import { z } from 'zod';
import { actorName } from '#domain/actor.ts';
import { dismissHolds, heldPeople, requireBack } from '#domain/breaker/settle.ts';
import { defineTool, personTarget, type Targets } from '#engine/tool.ts';

export default defineTool({
  name: 'breaker_dismiss',
  title: 'Dismiss held revocations',
  description:
    'Drops the revocations that the mass-change breaker holds back for these people, and thaws what only the breaker froze. Use it when the burst was a mistake, after the source has made them active again.',
  input: z.object({
    people: z
      .array(z.string().regex(/^usr_[0-9a-z]{26}$/, 'must be a person id (usr_…)'))
      .min(1)
      .max(100)
      .meta({ ref: 'person', hint: 'The people whose revocations are dropped. They must be active again.' })
      .describe('Whose revocations are dropped: person ids from breaker_list; they must be active again.'),
  }),
  output: z.object({
    people: z.number(),
    thawed: z
      .array(z.string())
      .describe('Mandates that work again; those with another cause stay frozen. Old tokens stay dead.'),
  }),
  scope: 'breaker.decide',
  only: 'people',
  command: '/breaker dismiss <people>',
  targets: (input) => input.people.map(personTarget) as unknown as Targets,
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
      effect: `What ${held.length} people delegated works again, unless something else holds it.`,
      reversible: true,
    };
  },
  run: async (ctx, input) => ({
    people: new Set(input.people).size,
    thawed: await dismissHolds(ctx, input.people, actorName(ctx.actor)),
  }),
});
