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
    'Saves terms under a name, so that people give such a mandate by picking it. A template that has this name already is replaced; mandates that were given with it stay as they are.',
  input: z.object({
    name: oneLine(3, 100).describe('How people pick it: "Reset MFA for my team, 7 days".'),
    description: z.string().trim().min(3).max(500).describe('When to use it.'),
    scopes: field.scopesField.describe('What it lets an agent do, as scopes.'),
    resources: z
      .array(
        z
          .string()
          .refine((one) => one === 'team' || isResourcePattern(one), 'team, person:<id>, group:<id> or *'),
      )
      .min(1)
      .max(100)
      .meta({ pick: 'resources', hint: 'The people that it may act on.' })
      .default(['team'])
      .describe('On whom: team (the direct reports of whoever uses it), person:<id>, group:<id> or *.'),
    tools: field.toolsField.optional().describe(field.FIELD_WORDS.tools),
    amount: field.amountField.optional().describe(field.FIELD_WORDS.amount),
    currency: field.currencyField.optional().describe(field.FIELD_WORDS.currency),
    window: field.windowField.optional().describe(field.FIELD_WORDS.window),
    offline: z.boolean().optional().describe('Whether it works while the principal is away.'),
    may_delegate: field.depthField.optional().describe('How many levels deep it may be handed on.'),
    days: field.daysField.meta({ first: true }).default(7).describe('For how many days.'),
    max_uses: field.usesField.optional().describe(field.FIELD_WORDS.max_uses),
    purpose: field.purposeField.describe('What for, unless whoever uses it says otherwise.'),
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
      throw new Fault('invalid_input', 'An amount and its currency belong together.', {
        detail: { problems: [{ field: 'currency', problem: 'belongs to an amount' }] },
      });
    const old = await findTemplate(ctx, input.name);
    return {
      changes: [{ what: 'template', ...(old === null ? {} : { from: old.name }), to: input.name }],
      effect: `People can give "${input.name}".`,
      reversible: true,
    };
  },
  run: async (ctx, { name, description, ...terms }) => {
    const replaced = (await findTemplate(ctx, name))?.own === true;
    await saveTemplate(ctx, { name, description, terms }, actorName(ctx.actor));
    return { name, replaced };
  },
});
