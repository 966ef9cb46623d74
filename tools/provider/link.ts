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
    'Lets the SCIM keys of one source deactivate, reactivate and delete people of another source, or removes that permission. Profiles (user name, email, manager) stay with their own source. Another IT admin must approve.',
  input: z.object({
    source: Source.describe('Source whose SCIM keys get the permission, such as entra.'),
    people_of: Source.describe(
      'Source whose people these keys can deactivate, reactivate and delete, such as okta.',
    ),
    linked: z.boolean().default(true).describe('Set to false to remove the link.'),
  }),
  output: z.object({
    links: z
      .array(z.object({ source: z.string(), people_of: z.string() }))
      .describe('All links in force now.'),
    two_humans: z.boolean().describe('False if a single IT admin made this change alone.'),
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
      changes: [{ what: `SCIM keys of ${source} can write`, from: words(stands), to: words(linked) }],
      effect: linked
        ? `Anyone who holds a SCIM key of ${source} can deactivate, delete and reactivate every person from ${peopleOf}.`
        : `SCIM keys of ${source} can no longer see or change people from ${peopleOf}.`,
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
