import { z } from 'zod';
import { checkFrozen, liftFreeze } from '#domain/freeze/freeze.ts';
import { planFreeze } from '#domain/freeze/plan.ts';
import { freezeTarget } from '#domain/freeze/target.ts';
import { FREEZE_TARGET, freezeTargets } from '#engine/freeze-input.ts';
import { defineTool } from '#engine/tool.ts';

export default defineTool({
  name: 'freeze_lift',
  title: 'Lift a freeze',
  lead: 'Lift the freeze on',
  description:
    'Lifts a freeze made with the kill switch. Anything blocked for another reason stays blocked, and old tokens stay invalid. For the whole organisation, a second person must approve, and it cannot be the person who froze it.',
  input: z.object({ target: FREEZE_TARGET }),
  output: z.object({
    target: z.string(),
    name: z.string(),
    thawed: z.array(z.string()).describe('The first 20 mandates that work again.'),
    thawed_count: z.number().int().describe('Number of mandates that this call thawed.'),
    later: z
      .boolean()
      .describe('True if there are many mandates: the rest follow in the background within minutes.'),
    still_held_by: z.array(z.string()).describe('What else blocks the agent.'),
  }),
  scope: 'freeze.manage',
  only: 'people',
  worksFrozen: true,
  command: '/freeze lift <target>',
  targets: (input) => freezeTargets(input.target),
  loosens: true,
  effects: 'write',
  danger: 'serious',
  preview: async (ctx, input) => {
    const plan = await planFreeze(ctx, freezeTarget(input.target));
    await checkFrozen(ctx, plan);
    // Only what does not change while somebody thinks it over: an approval is bound to it.
    return {
      changes: [{ what: plan.target.kind, from: 'frozen', to: 'active' }],
      effect: `${plan.name} works again, unless something else blocks it.`,
      reversible: true,
    };
  },
  run: (ctx, input) => liftFreeze(ctx, freezeTarget(input.target)),
});
