import { z } from 'zod';
import { defineTool, personTarget } from '#engine/tool.ts';

export default defineTool({
  name: 'okta_reset_mfa',
  title: 'Reset multi-factor',
  description:
    'Removes every enrolled factor of a person, so that they enrol again at their next sign-in. Use it for a lost or replaced device.',
  input: z.object({
    person: z.string().meta({ ref: 'person' }).describe('Whose factors: person id or work email.'),
  }),
  output: z.object({ removed: z.array(z.string()).describe('The factors that were removed, by kind.') }),
  state: z.object({ factors: z.array(z.object({ id: z.string(), kind: z.string() })) }),
  scope: 'okta.mfa.reset',
  command: '/okta reset multi-factor <person>',
  targets: (input) => [personTarget(input.person)],
  effects: 'act',
  danger: 'destructive',
  observe: async (ctx, input) => ({
    factors: (await ctx.directory.factors(input.person))
      .map((factor) => ({ id: factor.id, kind: factor.type }))
      .sort((a, b) => (a.id < b.id ? -1 : 1)),
  }),
  impact: (before) => ({
    changes: before.factors.map((factor) => ({ what: 'factor', from: factor.kind, to: 'removed' })),
    effect:
      before.factors.length === 0
        ? 'Nothing is enrolled, so nothing changes.'
        : 'Every factor is removed and must be enrolled again.',
    reversible: before.factors.length === 0,
  }),
  // A factor that was enrolled meanwhile is not ours to remove: only those seen before count.
  landed: (before, now) =>
    now.factors.some((factor) => before.factors.some((old) => old.id === factor.id)) ? 'again' : 'yes',
  run: (ctx, input) => ctx.actions.resetFactors(input.person),
  result: (before, now) => ({
    removed: before.factors
      .filter((old) => !now.factors.some((factor) => factor.id === old.id))
      .map((factor) => factor.kind),
  }),
});
