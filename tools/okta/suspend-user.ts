import { z } from 'zod';
import { requireStatus } from '#domain/person/lifecycle.ts';
import { suspendHere } from '#domain/person/suspend.ts';
import { defineTool, personTarget } from '#engine/tool.ts';
import { Fault } from '#lib/fault.ts';

const SUSPENDED = 'SUSPENDED';

export default defineTool({
  name: 'okta_suspend_user',
  title: 'Suspend a person',
  lead: 'Suspend',
  description:
    'Suspends a person in Okta. They cannot sign in but keep their groups and apps, and everything they have delegated freezes immediately.',
  input: z.object({
    person: z.string().meta({ ref: 'person' }).describe('Person to suspend: person ID or work email.'),
  }),
  output: z.object({ status: z.string().describe('Status in Okta afterwards.') }),
  state: z.object({ status: z.string() }),
  scope: 'okta.users.suspend',
  command: '/okta suspend <person>',
  targets: (input) => [personTarget(input.person)],
  effects: 'act',
  danger: 'serious',
  observe: async (ctx, input) => ({ status: await ctx.directory.status(input.person) }),
  impact: (before) => {
    // Somebody whom Okta has suspended already, and we have not seen it yet, is held here.
    if (before.status !== SUSPENDED) requireStatus('suspend', before.status);
    return {
      changes: before.status === SUSPENDED ? [] : [{ what: 'status', from: before.status, to: SUSPENDED }],
      effect:
        'The person cannot sign in, and all mandates they gave freeze, until they are unsuspended in Okta.',
      reversible: true,
    };
  },
  landed: (_before, now) => (now.status === SUSPENDED ? 'yes' : 'again'),
  hold: (ctx, input, actor) => suspendHere(ctx, input.person, actor),
  run: async (ctx, input, before) => {
    if (before.status !== SUSPENDED) await ctx.actions.suspend(input.person);
  },
  result: (_before, now) => {
    if (now.status === 'ACTIVE')
      throw new Fault('unavailable', 'Okta accepted the suspension, but still reports the person as ACTIVE.');
    return { status: now.status };
  },
});
