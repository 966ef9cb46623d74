import { z } from 'zod';
import { actorName } from '#domain/actor.ts';
import { forgetSlackAccounts } from '#domain/person/accounts.ts';
import { defineTool, personTarget } from '#engine/tool.ts';

export default defineTool({
  name: 'account_relink',
  title: 'Link a Slack account again',
  description:
    "Forgets which Slack account a person had, after their work email has rightly changed: the next account that shows the person's email is taken for them.",
  input: z.object({
    person: z.string().meta({ ref: 'person' }).describe('Whose account: person id or work email.'),
  }),
  output: z.object({ forgotten: z.array(z.string()).describe('The Slack accounts that were known.') }),
  scope: 'account.manage',
  only: 'people',
  command: '/account relink <person>',
  targets: (input) => [personTarget(input.person)],
  loosens: true,
  effects: 'write',
  danger: 'serious',
  preview: async () => ({
    changes: [{ what: 'Slack account', to: 'forgotten' }],
    effect: "The next Slack account that shows this person's email is taken for them.",
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
