import { z } from 'zod';
import { requireStatus } from '#domain/person/lifecycle.ts';
import { defineTool, personTarget } from '#engine/tool.ts';
import { Fault } from '#lib/fault.ts';

export default defineTool({
  name: 'okta_reset_mfa',
  title: 'Reset MFA',
  description:
    'Removes all enrolled MFA factors of a person, who then enrols again at the next sign-in. Use it for a lost or replaced device.',
  input: z.object({
    person: z
      .string()
      .meta({ ref: 'person' })
      .describe('Person whose factors to remove: person ID or work email.'),
  }),
  output: z.object({ removed: z.array(z.string()).describe('Kinds of the removed factors.') }),
  state: z.object({ status: z.string(), factors: z.array(z.object({ id: z.string(), kind: z.string() })) }),
  scope: 'okta.mfa.reset',
  command: '/okta reset multi-factor <person>',
  targets: (input) => [personTarget(input.person)],
  effects: 'act',
  danger: 'destructive',
  observe: async (ctx, input) => {
    const [status, factors] = await Promise.all([
      ctx.directory.status(input.person),
      ctx.directory.factors(input.person),
    ]);
    return {
      status,
      factors: factors
        .map((factor) => ({ id: factor.id, kind: factor.type }))
        .sort((a, b) => (a.id < b.id ? -1 : 1)),
    };
  },
  impact: (before) => {
    requireStatus('reset_factors', before.status);
    return {
      changes: before.factors.map((factor) => ({ what: 'factor', from: factor.kind, to: 'removed' })),
      effect:
        before.factors.length === 0
          ? 'No factors are enrolled, so nothing changes.'
          : 'All factors are removed. The person must enrol again.',
      reversible: before.factors.length === 0,
      ...(before.factors.length === 0 && { nothing: true as const }),
    };
  },
  // A factor that was enrolled meanwhile is not ours to remove: only those seen before count.
  landed: (before, now) => (left(before, now).length > 0 ? 'again' : 'yes'),
  run: (ctx, input) => ctx.actions.resetFactors(input.person),
  result: (before, now) => {
    const kept = left(before, now);
    if (kept.length > 0 && kept.length === before.factors.length)
      throw new Fault('unavailable', 'Okta accepted the reset, but still lists every factor.');
    return {
      removed: before.factors.filter((old) => !kept.includes(old)).map((factor) => factor.kind),
    };
  },
});

interface Seen {
  readonly factors: readonly { readonly id: string; readonly kind: string }[];
}

/** Those of the factors before that are still there. */
const left = (before: Seen, now: Seen) =>
  before.factors.filter((old) => now.factors.some((factor) => factor.id === old.id));
