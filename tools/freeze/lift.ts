import { z } from 'zod';
import { checkFrozen, liftFreeze } from '#domain/freeze/freeze.ts';
import { planFreeze } from '#domain/freeze/plan.ts';
import { freezeTarget } from '#domain/freeze/target.ts';
import { FREEZE_TARGET, freezeTargets } from '#engine/freeze-input.ts';
import { defineTool } from '#engine/tool.ts';

export default defineTool({
  name: 'freeze_lift',
  title: 'Lift a freeze',
  description:
    'Takes back what the kill switch did, and nothing else: what something else holds stays held, and tokens from before stay dead. For the whole organisation a second person must agree, and never the one who froze it.',
  input: z.object({ target: FREEZE_TARGET }),
  output: z.object({
    target: z.string(),
    name: z.string(),
    thawed: z.array(z.string()).describe('The first 20 mandates that work again.'),
    thawed_count: z.number().int().describe('How many of them this did itself.'),
    later: z
      .boolean()
      .describe('True where there are many mandates: they follow in the background, in minutes at most.'),
    still_held_by: z.array(z.string()).describe('What else holds an agent.'),
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
      effect: `${plan.name} works again, where nothing else holds it.`,
      reversible: true,
    };
  },
  run: (ctx, input) => liftFreeze(ctx, freezeTarget(input.target)),
});
