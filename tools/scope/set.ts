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
    'Adds a scope that people can delegate, or changes its description, sensitivity or limits. Another IT admin must approve.',
  input: z
    .object({
      scope: z
        .string()
        .regex(/^[a-z0-9][a-z0-9._:-]{1,99}$/i, 'use letters, digits and . _ : -')
        .describe('Exact name, such as finance:approve.'),
      description: z.string().trim().min(3).max(300).describe('What the scope allows, in plain words.'),
      sensitivity: z
        .enum(['normal', 'high'])
        .default('normal')
        .describe('high: only people with approving authority can delegate it.'),
      holders: z
        .array(z.string().regex(/^[a-z0-9_]{2,40}$/))
        .max(20)
        .meta({ ref: 'role' })
        .default([])
        .describe('Roles that can hold it. Default: any role.'),
      amount_threshold: z
        .number()
        .positive()
        .max(1e12)
        .optional()
        .describe('Mandates above this amount count as high value.'),
      currency: z
        .string()
        .regex(/^[A-Z]{3}$/)
        .meta({ ref: 'currency' })
        .optional()
        .describe('Currency of the threshold as an ISO 4217 code, such as EUR.'),
    })
    .refine((input) => (input.amount_threshold === undefined) === (input.currency === undefined), {
      path: ['currency'],
      message: 'set amount_threshold and currency together',
    }),
  output: z.object({
    scope: ScopeView,
    two_humans: z.boolean().describe('False if a single IT admin made this change alone.'),
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
          : `The description of ${input.scope} changes. Existing mandates do not.`,
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
