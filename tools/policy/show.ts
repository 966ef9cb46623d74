import { z } from 'zod';
import { policyVersion, policyVersionsOf } from '#domain/policy/store.ts';
import { defineTool, TENANT_TARGET } from '#engine/tool.ts';
import { Fault } from '#lib/fault.ts';

export default defineTool({
  name: 'policy_show',
  title: 'Show policies',
  description:
    'Shows the Cedar policies in force, their version history, and which policies an organisation cannot remove. Pass a version to read an earlier text.',
  input: z.object({
    version: z
      .number()
      .int()
      .min(0)
      .optional()
      .describe(
        'An earlier version; 0 is the text that ships with the product. Default: the version in force.',
      ),
  }),
  output: z.object({
    version: z.number(),
    text: z.string(),
    problem: z
      .string()
      .nullable()
      .describe("Cedar's error if the text in force is invalid. Only policies marked @stays then apply."),
    single_admin: z.boolean().describe('Whether a single IT admin can currently change the rules alone.'),
    policies: z
      .array(
        z.object({
          id: z.string(),
          effect: z.enum(['permit', 'forbid']),
          reason: z.string().nullable(),
          approval: z.string().nullable(),
          stays: z.boolean(),
        }),
      )
      .describe('Policies in force now.'),
    versions: z.array(
      z.object({
        version: z.number(),
        note: z.string(),
        at: z.iso.datetime(),
        call_id: z.string().nullable(),
      }),
    ),
  }),
  scope: 'policy.read',
  command: '/policy show [version]',
  targets: () => TENANT_TARGET,
  effects: 'read',
  run: async (ctx, input) => {
    const now = await ctx.policy.inForce();
    const versions = await policyVersionsOf(ctx, 100);
    return {
      version: input.version ?? now.version,
      text: input.version === undefined ? now.text : await textOf(input.version),
      problem: now.problem,
      single_admin: now.singleAdmin,
      policies: now.policies.map(({ id, effect, reason, requirement, stays }) => ({
        id,
        effect,
        reason,
        approval: requirement === null ? null : `${requirement.quorum} of ${requirement.approver}`,
        stays,
      })),
      versions: versions.map(({ version, note, createdAt, callId }) => ({
        version,
        note,
        at: createdAt.toISOString(),
        call_id: callId,
      })),
    };

    async function textOf(version: number): Promise<string> {
      const row = version === 0 ? null : await policyVersion(ctx, version);
      if (version !== 0 && row === null)
        throw new Fault('not_found', `Policy version ${version} does not exist.`, { field: 'version' });
      return row === null || row.text === '' ? ctx.policy.shipped : row.text;
    }
  },
});
