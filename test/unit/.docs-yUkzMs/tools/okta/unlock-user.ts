import { z } from 'zod';
import { defineTool, personTarget } from '#engine/tool.ts';

export default defineTool({
  name: 'okta_unlock_user',
  title: 'Unlock',
  description:
    'Unlocks a person whom Okta has locked out after wrong passwords. The password stays as it is.',
  input: z.object({
    person: z.string().meta({ ref: 'person' }).describe('Who is unlocked: person id or work email.'),
  }),
  output: z.object({ status: z.string().describe("The person's status at Okta afterwards.") }),
  state: z.object({ status: z.string() }),
  scope: 'okta.users.unlock',
  command: '/okta unlock <person>',
  targets: (input) => [personTarget(input.person)],
  effects: 'act',
  danger: 'serious',
  observe: async (ctx, input) => ({ status: await ctx.directory.status(input.person) }),
  impact: (before) => ({
    changes: [{ what: 'status', from: before.status, to: 'ACTIVE' }],
    effect: 'The person can sign in again with the password that they have.',
    reversible: false,
  }),
  // Unlocking twice does no harm; whoever is not locked out any more needs no second try.
  landed: (_before, now) => (now.status === 'LOCKED_OUT' ? 'again' : 'yes'),
  run: (ctx, input) => ctx.actions.unlock(input.person),
  result: (_before, now) => ({ status: now.status }),
});
