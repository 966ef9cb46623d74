import { z } from 'zod';
import { actorName } from '#domain/actor.ts';
import { policyFacts } from '#domain/policy/store.ts';
import { findScope, saveScope } from '#domain/scope/store.ts';
import { ScopeView, scopeView } from '#domain/scope/view.ts';
import { defineTool, TENANT_TARGET } from '#engine/tool.ts';

export default defineTool({
  name: 'scope_set',
  title: 'Set a scope',
  description:
    'Adds a scope to the catalogue of what may be delegated here, or changes what is said of it. Another IT admin must agree.',
  input: z
    .object({
      scope: z
        .string()
        .regex(/^[a-z0-9][a-z0-9._:-]{1,99}$/i, 'use letters, digits and . _ : -')
        .describe('Its name, matched exactly: finance:approve, construction.validation.approve.'),
      description: z.string().trim().min(3).max(300).describe('What it lets somebody do, for people.'),
      sensitivity: z
        .enum(['normal', 'high'])
        .default('normal')
        .describe('high: delegating it needs people who carry the approving authority.'),
      holders: z
        .array(z.string().regex(/^[a-z0-9_]{2,40}$/))
        .max(20)
        .meta({ ref: 'role' })
        .default([])
        .describe('Roles whose members may hold it; left out: any.'),
      amount_threshold: z
        .number()
        .positive()
        .max(1e12)
        .optional()
        .describe('Above this amount a mandate is of high value.'),
      currency: z
        .string()
        .regex(/^[A-Z]{3}$/)
        .meta({ ref: 'currency' })
        .optional()
        .describe('ISO 4217 code of the threshold: EUR.'),
    })
    .refine((input) => (input.amount_threshold === undefined) === (input.currency === undefined), {
      path: ['currency'],
      message: 'a threshold needs a currency, and a currency a threshold',
    }),
  output: z.object({
    scope: ScopeView,
    two_humans: z.boolean().describe('False where one IT admin alone has changed it.'),
  }),
  scope: 'scope.manage',
  command: '/scope set <scope> [description]',
  targets: () => TENANT_TARGET,
  effects: 'write',
  danger: 'mild',
  preview: async (ctx, input) => {
    const before = await findScope(ctx, input.scope);
    const to = [
      input.description,
      input.sensitivity,
      ...(input.holders.length === 0 ? [] : [`only ${input.holders.join(', ')}`]),
      ...(input.amount_threshold === undefined
        ? []
        : [`high value above ${input.amount_threshold} ${input.currency}`]),
    ].join('; ');
    return {
      changes: [
        {
          what: `scope ${input.scope}`,
          ...(before === null ? {} : { from: `${before.description}; ${before.sensitivity}` }),
          to,
        },
      ],
      effect:
        before === null
          ? `${input.scope} can be delegated.`
          : `${input.scope} is described anew; mandates stay as they are.`,
      reversible: true,
    };
  },
  run: async (ctx, input) => {
    const by = { actor: actorName(ctx.actor), callId: ctx.callId };
    await saveScope(
      ctx,
      {
        scope: input.scope,
        description: input.description,
        sensitivity: input.sensitivity,
        holders: input.holders,
        amountThreshold: input.amount_threshold === undefined ? null : String(input.amount_threshold),
        currency: input.currency ?? null,
      },
      by,
    );
    const saved = await findScope(ctx, input.scope);
    if (saved === null) throw new Error('a saved scope is gone');
    const { singleAdmin } = await policyFacts(ctx);
    return { scope: scopeView(saved), two_humans: !(singleAdmin && ctx.actor.kind === 'person') };
  },
});
