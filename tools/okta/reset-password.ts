import { z } from 'zod';
import { requireStatus } from '#domain/person/lifecycle.ts';
import { defineTool, personTarget } from '#engine/tool.ts';

export default defineTool({
  name: 'okta_reset_password',
  title: 'Reset password',
  description:
    'Sends the person a link by mail with which they set a new password; until then they cannot sign in. Nobody here ever sees a password.',
  input: z.object({
    person: z.string().meta({ ref: 'person' }).describe('Whose password: person id or work email.'),
  }),
  output: z.object({
    status: z
      .string()
      .describe("The person's status at Okta afterwards; RECOVERY until they have set a password."),
  }),
  state: z.object({ status: z.string() }),
  scope: 'okta.password.reset',
  command: '/okta reset password <person>',
  targets: (input) => [personTarget(input.person)],
  effects: 'act',
  danger: 'serious',
  observe: async (ctx, input) => ({ status: await ctx.directory.status(input.person) }),
  impact: (before) => {
    requireStatus('reset_password', before.status);
    return {
      changes: [{ what: 'status', from: before.status, to: 'RECOVERY' }],
      effect: 'A reset link goes to the work email; the person cannot sign in until a new password is set.',
      reversible: false,
    };
  },
  // A second mail does no harm: its link replaces the first one's.
  landed: (before, now) => (before.status !== 'RECOVERY' && now.status === 'RECOVERY' ? 'yes' : 'again'),
  run: (ctx, input) => ctx.actions.resetPassword(input.person),
  result: (_before, now) => ({ status: now.status }),
});
