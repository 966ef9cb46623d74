import { z } from 'zod';
import { actorName } from '#domain/actor.ts';
import { applyHolds, heldPeople } from '#domain/breaker/settle.ts';
import { openTrees } from '#domain/mandate/trees.ts';
import { defineTool, personTargets } from '#engine/tool.ts';

export default defineTool({
  name: 'breaker_apply',
  title: 'Apply held revocations',
  description:
    'Permanently revokes the mandates that the mass-change breaker froze for these people. Use it when the deactivations were intended. Another IT admin must approve, and revoked mandates cannot be restored.',
  input: z.object({
    people: z
      .array(z.string().regex(/^usr_[0-9a-z]{26}$/, 'must be a person ID (usr_…)'))
      .min(1)
      .max(100)
      .meta({ ref: 'person', hint: 'The people whose revocations are carried out.' })
      .describe('People whose mandates to revoke: person IDs from breaker_list.'),
  }),
  output: z.object({
    people: z.number(),
    revoked: z.array(z.string()).describe('All mandates that were revoked.'),
  }),
  scope: 'breaker.decide',
  only: 'people',
  command: '/breaker apply <people>',
  targets: (input) => personTargets(input.people),
  effects: 'write',
  danger: 'destructive',
  preview: async (ctx, input) => {
    const held = await heldPeople(ctx, input.people);
    const changes = [];
    for (const { hold, person } of held) {
      const mandates = await openTrees(ctx, { principalId: person.id });
      changes.push({
        what: `${mandates.length} mandates of ${person.displayName} (${hold.source})`,
        from: 'frozen',
        to: 'revoked',
      });
    }
    return {
      changes,
      effect: `Permanently revokes everything that ${held.length === 1 ? '1 person' : `${held.length} people`} delegated.`,
      reversible: false,
    };
  },
  run: async (ctx, input) => ({
    people: new Set(input.people).size,
    revoked: await applyHolds(ctx, input.people, actorName(ctx.actor)),
  }),
});
