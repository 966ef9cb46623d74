import { z } from 'zod';
import { principalOf } from '#domain/actor.ts';
import { findAgent } from '#domain/agent/store.ts';
import { checkMandate, createMandate } from '#domain/mandate/create.ts';
import * as field from '#domain/mandate/fields.ts';
import { isHighValue } from '#domain/mandate/scopes.ts';
import { findTemplate } from '#domain/mandate/templates.ts';
import { findPerson } from '#domain/person/store.ts';
import { isOwnPortal } from '#domain/tenant/own-portal.ts';
import { agentTarget, defineTool } from '#engine/tool.ts';

export default defineTool({
  name: 'mandate_create',
  title: 'Give a mandate',
  lead: 'Give a mandate to',
  description:
    'Lets an agent act for you with the scopes, resources, time and purpose that you choose. You can delegate only what you can do yourself.',
  input: z
    .object({
      agent: z.string().meta({ ref: 'agent' }).describe('Agent name or ID.'),
      template: z
        .string()
        .min(1)
        .max(100)
        .meta({ ref: 'template', hint: 'Fills whatever you leave empty here.' })
        .optional()
        .describe(
          'Name of a mandate template (see mandate_template_list). It fills every field that you omit.',
        ),
      scopes: field.scopesField
        .meta({
          ref: 'scope_to_give',
          unless: 'template',
          hint: 'What it may do. You can give only what you may do yourself.',
        })
        .optional()
        .describe(
          'Scopes the agent can use, such as okta.password.reset or okta.mfa.reset. Required without a template.',
        ),
      resources: field.resourcesField
        .meta({ hint: 'The people that it may act on. Leave empty for your direct reports.' })
        .optional()
        .describe(
          'Whom it covers: team (your direct reports), an email address, person:<id>, group:<id>, or * for everyone you can act on. Default: team.',
        ),
      days: field.daysField.meta({ first: true }).optional().describe('How many days it lasts. Default: 7.'),
      max_uses: field.usesField.optional().describe(field.FIELD_WORDS.max_uses),
      purpose: field.purposeField
        .meta({ unless: 'template', hint: 'What it is for. Approvers and auditors can read this.' })
        .optional()
        .describe('What it is for. Approvers and auditors can read this. Required without a template.'),
      tools: field.toolsField.optional().describe(field.FIELD_WORDS.tools),
      amount: field.amountField.optional().describe(field.FIELD_WORDS.amount),
      currency: field.currencyField.optional().describe(field.FIELD_WORDS.currency),
      window: field.windowField.optional().describe(field.FIELD_WORDS.window),
      offline: z
        .boolean()
        .optional()
        .describe('Whether the agent can use it while you are away, without a fresh sign-in. Default: no.'),
      may_delegate: field.depthField
        .optional()
        .describe(
          'How many levels deep the agent can delegate parts of it to other agents: 0 to 3. Default: 0.',
        ),
    })
    .superRefine((input, ctx) => {
      if (input.template !== undefined) return;
      for (const name of ['scopes', 'purpose'] as const) {
        if (input[name] === undefined)
          ctx.addIssue({ code: 'custom', path: [name], message: 'is required without a template' });
      }
    }),
  output: z.object({
    mandate_id: z.string(),
    agent: z.string(),
    scopes: z.array(z.string()),
    resources: z.array(z.string()),
    expires_at: z.iso.datetime(),
    summary: z.string().describe('What the mandate allows and forbids, in plain words.'),
  }),
  scope: 'mandate.create',
  tokenScope: 'delegation:create',
  command: '/mandate create [agent] [scopes] [purpose]',
  targets: (input) => [agentTarget(input.agent)],
  effects: 'write',
  danger: 'serious',
  context: async (ctx, input) => {
    const template = input.template === undefined ? null : await findTemplate(ctx, input.template);
    const terms = template?.terms;
    return {
      own_portal: await isOwnPortal(ctx, ctx.actor),
      high_value: await isHighValue(ctx, {
        scopes: input.scopes ?? terms?.scopes ?? [],
        amount: input.amount ?? terms?.amount,
        currency: input.currency ?? terms?.currency,
      }),
    };
  },
  unseen: (input) => input.template !== undefined,
  pin: async (ctx, input, actor) => {
    const principal = principalOf(actor);
    if (principal !== null) await findPerson(ctx, principal, 'share');
    // A change of the agent's keys or owner freezes the mandates that there are: it comes before this one, or
    // sees it.
    await findAgent(ctx, input.agent, 'share');
  },
  preview: async (ctx, input) => {
    const { inWords, summary } = await checkMandate(ctx, principalOf(ctx.actor), input);
    const changes = [
      { what: 'mandate', to: inWords.allows },
      { what: 'limits', to: inWords.forbids },
    ];
    return { changes, effect: summary, reversible: true };
  },
  run: async (ctx, input) => createMandate(ctx, principalOf(ctx.actor), input, ctx.callId),
});
