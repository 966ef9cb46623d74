import { z } from 'zod';
import { actorName } from '#domain/actor.ts';
import { policyFacts } from '#domain/policy/store.ts';
import { changeLink, requirePair, sourcesOf } from '#domain/tenant/linked-sources.ts';
import { holdTenant, theTenant } from '#domain/tenant/store.ts';
import { defineTool, TENANT_TARGET } from '#engine/tool.ts';

const Source = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9_-]{0,31}$/,
    'use the source of a SCIM key: okta, entra, cognito, or an issuer hash',
  );

export default defineTool({
  name: 'provider_link',
  title: 'Link two SCIM sources',
  description:
    'Lets the SCIM keys of one source provision and deprovision the people of another one, or ends that. Their profile (user name, email, manager) stays what their own source says. Another IT admin must agree.',
  input: z.object({
    source: Source.describe('The source whose SCIM keys may do more: entra.'),
    people_of: Source.describe('The source whose people they may deactivate, bring back and delete: okta.'),
    linked: z.boolean().default(true).describe('false takes the link away.'),
  }),
  output: z.object({
    links: z
      .array(z.object({ source: z.string(), people_of: z.string() }))
      .describe('Every link that stands now.'),
    two_humans: z.boolean().describe('False where one IT admin alone has changed it.'),
  }),
  scope: 'provider.manage',
  command: '/provider link <source> <people_of>',
  targets: () => TENANT_TARGET,
  effects: 'write',
  danger: 'serious',
  pin: (ctx) => holdTenant(ctx, 'no key update'),
  preview: async (ctx, { source, people_of: peopleOf, linked }) => {
    requirePair({ source, peopleOf });
    const stands = sourcesOf((await theTenant(ctx)).settings, source).includes(peopleOf);
    const words = (is: boolean): string => (is ? `also people of ${peopleOf}` : `not people of ${peopleOf}`);
    return {
      changes: [{ what: `SCIM keys of ${source} write`, from: words(stands), to: words(linked) }],
      effect: linked
        ? `Who holds a SCIM key of ${source} can deactivate, delete and bring back everybody whom ${peopleOf} tells of.`
        : `SCIM keys of ${source} no longer see or change people of ${peopleOf}.`,
      reversible: true,
    };
  },
  run: async (ctx, { source, people_of: peopleOf, linked }) => {
    const by = { actor: actorName(ctx.actor), callId: ctx.callId };
    const { singleAdmin } = await policyFacts(ctx);
    const links = await changeLink(ctx, { source, peopleOf }, linked, by);
    return {
      links: links.map((link) => ({ source: link.source, people_of: link.peopleOf })),
      two_humans: !(singleAdmin && ctx.actor.kind === 'person'),
    };
  },
});
