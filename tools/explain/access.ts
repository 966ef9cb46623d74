import { z } from 'zod';
import { authorityOf } from '#domain/group/authority.ts';
import { findMandate } from '#domain/mandate/store.ts';
import { defineTool, IMPLIED_SCOPE, TENANT_TARGET } from '#engine/tool.ts';

export default defineTool({
  name: 'explain_access',
  title: 'Explain access',
  description:
    'Says whether you could use a tool with an input right now, what would have to be approved and by whom, or what is missing and who can give it. Nothing is carried out or asked.',
  input: z.object({
    tool: z.string().max(60).describe('The tool, by name: okta_reset_mfa.'),
    input: z.record(z.string(), z.unknown()).default({}).describe('The input that you would give it.'),
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
      .describe("Your groups' authority; for an agent, what its mandate leaves of its principal's."),
  }),
  scope: IMPLIED_SCOPE,
  tokenScope: 'delegation:read',
  targets: () => TENANT_TARGET,
  effects: 'read',
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
