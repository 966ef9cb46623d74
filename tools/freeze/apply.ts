import { z } from 'zod';
import { freeze } from '#domain/freeze/freeze.ts';
import { freezeImpact, planFreeze } from '#domain/freeze/plan.ts';
import { freezeTarget } from '#domain/freeze/target.ts';
import { FREEZE_TARGET, FreezeReport, freezeTargets } from '#engine/freeze-input.ts';
import { defineTool } from '#engine/tool.ts';

export default defineTool({
  name: 'freeze_apply',
  title: 'Use the kill switch',
  lead: 'Use the kill switch on',
  description:
    'Immediately stops an agent, everything a person has delegated, a mandate with everything delegated from it, or the whole organisation. No approval is needed: tokens stop working and pending requests are withdrawn. IT admins can lift the freeze; for the whole organisation this takes two people.',
  input: z.object({
    target: FREEZE_TARGET,
    reason: z
      .string()
      .trim()
      .min(3)
      .max(500)
      .default('Kill switch')
      .describe('Why you stop it. Everyone affected can read this.'),
  }),
  output: FreezeReport.extend({
    frozen: z.literal(true),
    elapsed_ms: z.number().describe('How long it took, in milliseconds.'),
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
