import { z } from 'zod';
import { actorName } from '#domain/actor.ts';
import { forgetSlackAccounts } from '#domain/person/accounts.ts';
import { defineTool, personTarget } from '#engine/tool.ts';

export default defineTool({
  name: 'account_relink',
  title: 'Reset a linked Slack account',
  description:
    "Unlinks a person's Slack account, for example after their work email has changed. Prokura then links the next Slack account that has this person's email.",
  input: z.object({
    person: z
      .string()
      .meta({ ref: 'person' })
      .describe('Person whose Slack account to unlink: person ID or work email.'),
  }),
  output: z.object({ forgotten: z.array(z.string()).describe('Slack accounts that were unlinked.') }),
  scope: 'account.manage',
  only: 'people',
  command: '/account relink <person>',
  targets: (input) => [personTarget(input.person)],
  loosens: true,
  effects: 'write',
  danger: 'serious',
  preview: async () => ({
    changes: [{ what: 'Slack account', to: 'unlinked' }],
    effect: "Prokura links the next Slack account that has this person's email.",
    reversible: false,
  }),
  run: async (ctx, input) => {
    const forgotten = await forgetSlackAccounts(ctx, input.person);
    ctx.record({
      event: 'account_relinked',
      actor: actorName(ctx.actor),
      data: { person: input.person, accounts: forgotten },
    });
    return { forgotten };
  },
});
