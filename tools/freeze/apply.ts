import { z } from 'zod';
import { freeze } from '#domain/freeze/freeze.ts';
import { freezeImpact, planFreeze } from '#domain/freeze/plan.ts';
import { freezeTarget } from '#domain/freeze/target.ts';
import { FREEZE_TARGET, FreezeReport, freezeTargets } from '#engine/freeze-input.ts';
import { defineTool } from '#engine/tool.ts';

export default defineTool({
  name: 'freeze_apply',
  title: 'Kill switch',
  description:
    'Stops an agent, everything that a person delegates, a mandate with all below it, or the whole organisation: at once, in one step, without asking anybody. Tokens die and waiting requests are withdrawn. Lifted by IT admins; for the organisation it takes two people.',
  input: z.object({
    target: FREEZE_TARGET,
    reason: z
      .string()
      .trim()
      .min(3)
      .max(500)
      .default('Kill switch')
      .describe('Why. Everybody hit can read it.'),
  }),
  output: FreezeReport.extend({
    frozen: z.literal(true),
    elapsed_ms: z.number().describe('From the first lock to the last row, in milliseconds.'),
  }),
  scope: 'freeze.manage',
  only: 'people',
  worksFrozen: true,
  command: '/freeze now <target> [reason]',
  tightens: true,
  targets: (input) => freezeTargets(input.target),
  effects: 'write',
  danger: 'serious',
  preview: async (ctx, input) => freezeImpact(await planFreeze(ctx, freezeTarget(input.target))),
  run: async (ctx, input) => ({
    ...(await freeze(ctx, freezeTarget(input.target), input.reason)),
    frozen: true as const,
  }),
});
