import { z } from 'zod';
import { actorName } from '#domain/actor.ts';
import * as field from '#domain/mandate/fields.ts';
import { isResourcePattern } from '#domain/mandate/resources.ts';
import { findTemplate, saveTemplate } from '#domain/mandate/templates.ts';
import { checkTools } from '#domain/mandate/terms.ts';
import { defineTool, TENANT_TARGET } from '#engine/tool.ts';
import { Fault } from '#lib/fault.ts';
import { oneLine } from '#lib/one-line.ts';

export default defineTool({
  name: 'mandate_template_save',
  title: 'Save a mandate template',
  description:
    'Saves the terms of a mandate as a template that people can choose by name. It replaces a template of the same name; existing mandates do not change.',
  input: z.object({
    name: oneLine(3, 100).describe('Name that people choose, such as "Reset MFA for my team, 7 days".'),
    description: z.string().trim().min(3).max(500).describe('When to use this template.'),
    scopes: field.scopesField.describe('Scopes the agent can use.'),
    resources: z
      .array(
        z
          .string()
          .refine(
            (one) => one === 'team' || isResourcePattern(one),
            'must be team, person:<id>, group:<id> or *',
          ),
      )
      .min(1)
      .max(100)
      .meta({ pick: 'resources', hint: 'The people that it may act on.' })
      .default(['team'])
      .describe(
        'Whom it covers: team (direct reports of the person who uses the template), person:<id>, group:<id> or *.',
      ),
    tools: field.toolsField.optional().describe(field.FIELD_WORDS.tools),
    amount: field.amountField.optional().describe(field.FIELD_WORDS.amount),
    currency: field.currencyField.optional().describe(field.FIELD_WORDS.currency),
    window: field.windowField.optional().describe(field.FIELD_WORDS.window),
    offline: z.boolean().optional().describe('Whether the agent can use it while the principal is away.'),
    may_delegate: field.depthField.optional().describe('How many levels deep it can be delegated.'),
    days: field.daysField.meta({ first: true }).default(7).describe('How many days it lasts.'),
    max_uses: field.usesField.optional().describe(field.FIELD_WORDS.max_uses),
    purpose: field.purposeField.describe('Default purpose. People can change it when they use the template.'),
  }),
  output: z.object({ name: z.string(), replaced: z.boolean() }),
  scope: 'mandate.templates',
  only: 'people',
  command: '/mandate template save [name]',
  targets: () => TENANT_TARGET,
  effects: 'write',
  danger: 'mild',
  preview: async (ctx, input) => {
    checkTools(input.tools, input.scopes, ctx.tools);
    if ((input.amount === undefined) !== (input.currency === undefined))
      throw new Fault('invalid_input', 'Set amount and currency together.', {
        detail: { problems: [{ field: 'currency', problem: 'set amount and currency together' }] },
      });
    const old = await findTemplate(ctx, input.name);
    return {
      changes: [{ what: 'template', ...(old === null ? {} : { from: old.name }), to: input.name }],
      effect: `People can give the mandate "${input.name}".`,
      reversible: true,
    };
  },
  run: async (ctx, { name, description, ...terms }) => {
    const replaced = (await findTemplate(ctx, name))?.own === true;
    await saveTemplate(ctx, { name, description, terms }, actorName(ctx.actor));
    return { name, replaced };
  },
});
