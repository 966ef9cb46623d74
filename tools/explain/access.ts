import { z } from 'zod';
import { authorityOf } from '#domain/group/authority.ts';
import { findMandate } from '#domain/mandate/store.ts';
import { defineTool, IMPLIED_SCOPE, TENANT_TARGET } from '#engine/tool.ts';

export default defineTool({
  name: 'explain_access',
  title: 'Explain access',
  description:
    'Explains whether you could call a tool with a given input now: which approvals it needs and from whom, or what is missing and who can grant it. It changes nothing and asks nobody.',
  input: z.object({
    tool: z.string().max(60).describe('Tool name, such as okta_reset_mfa.'),
    input: z
      .record(z.string(), z.unknown())
      .default({})
      .describe('The input that you would pass to the tool.'),
  }),
  output: z.object({
    tool: z.string(),
    allowed: z.boolean(),
    approvals: z.array(
      z.object({
        policy: z.string(),
        reason: z.string(),
        approvers: z.array(z.string()),
        quorum: z.number(),
      }),
    ),
    policies: z.array(z.string()),
    denial: z
      .object({
        code: z.string(),
        message: z.string(),
        policy: z.string().optional(),
        missing: z.record(z.string(), z.unknown()).optional(),
      })
      .nullable(),
    you_hold: z
      .object({ roles: z.array(z.string()), scopes: z.array(z.string()) })
      .describe(
        'Roles and scopes from your groups. For an agent: the part of its mandate that its principal still holds.',
      ),
  }),
  scope: IMPLIED_SCOPE,
  tokenScope: 'delegation:read',
  targets: () => TENANT_TARGET,
  effects: 'read',
  light: true,
  run: async (ctx, input) => {
    const explanation = await ctx.explain(input.tool, input.input);
    const { actor } = ctx;
    const authority =
      actor.kind === 'service' ? { roles: [], scopes: actor.tools } : await authorityOf(ctx, actor.personId);
    const mandate = actor.kind === 'agent' ? await findMandate(ctx, actor.mandateId) : null;
    const scopes =
      mandate === null
        ? authority.scopes
        : mandate.scopes.filter((scope) => authority.scopes.includes(scope));
    return {
      ...explanation,
      approvals: [...explanation.approvals].map((one) => ({ ...one, approvers: [...one.approvers] })),
      policies: [...explanation.policies],
      you_hold: { roles: [...authority.roles], scopes: [...scopes] },
    };
  },
});
