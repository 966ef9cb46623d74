import { z } from 'zod';
import { requireStatus } from '#domain/person/lifecycle.ts';
import { defineTool, personTarget } from '#engine/tool.ts';

export default defineTool({
  name: 'okta_reset_password',
  title: 'Reset password',
  description:
    'Emails a person a link to set a new password. They cannot sign in until they do. Nobody else sees a password.',
  input: z.object({
    person: z
      .string()
      .meta({ ref: 'person' })
      .describe('Person whose password to reset: person ID or work email.'),
  }),
  output: z.object({
    status: z.string().describe('Status in Okta afterwards: RECOVERY until the person sets a password.'),
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
      effect:
        'Okta sends a reset link to the work email. The person cannot sign in until they set a new password.',
      reversible: false,
    };
  },
  // A second mail does no harm: its link replaces the first one's.
  landed: (before, now) => (before.status !== 'RECOVERY' && now.status === 'RECOVERY' ? 'yes' : 'again'),
  run: (ctx, input) => ctx.actions.resetPassword(input.person),
  result: (_before, now) => ({ status: now.status }),
});
