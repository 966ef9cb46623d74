import { z } from 'zod';
import { policyVersion, policyVersionsOf } from '#domain/policy/store.ts';
import { code, sentence, strong } from '#engine/answer-words.ts';
import { aboutWords, demandWords, policyItem, policyName } from '#engine/policy-in-words.ts';
import { defineTool, TENANT_TARGET } from '#engine/tool.ts';
import { Fault } from '#lib/fault.ts';

export default defineTool({
  name: 'policy_show',
  title: 'Show policies',
  description:
    'Shows the Cedar policies that decide here, their versions with notes, and which of them stay whatever an organisation sets. Name a version to read an older text, or one policy to read it alone.',
  input: z.object({
    version: z
      .number()
      .int()
      .min(0)
      .optional()
      .describe(
        'An earlier version; 0 is the text that ships with the product. Default: the version in force.',
      ),
    policy: z.string().max(200).optional().describe('Only this policy, by its id: its own text.'),
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
          allows: z.string().nullable().describe('Whom it permits, in words.'),
          adds_only: z.boolean().describe('It permits nothing; it asks for an approval.'),
          tools: z.array(z.string()).nullable().describe('Titles of the tools it speaks of; null: all.'),
          target: z.string().nullable().describe('The kind of target it speaks of; null: every kind.'),
          requirement: z
            .object({
              approver: z.string(),
              fallback: z.string().nullable(),
              quorum: z.number(),
              step_up: z.boolean(),
            })
            .nullable(),
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
  inWords: {
    fields: ({ version, problem, single_admin: single, policies: [one, ...others] }, { asked }) =>
      asked['policy'] !== undefined && one !== undefined && others.length === 0
        ? [
            ['Policy', policyName(one.id)],
            [
              'Allows',
              one.effect === 'permit' && !one.adds_only
                ? (one.allows ?? 'everyone who meets its conditions')
                : null,
            ],
            ['Asks for', one.requirement === null ? null : demandWords(one.requirement)],
            [one.effect === 'forbid' ? 'Forbids' : 'What', aboutWords(one)],
            ['Reason', one.reason],
            [
              'Changes',
              one.stays
                ? 'It ships with the product and is always in force.'
                : 'Your own policy text can replace it.',
            ],
            ['Policy id', [code(one.id)]],
          ]
        : [
            ['Version', version === 0 ? 'what ships with the product' : String(version)],
            [
              'Problem',
              problem === null
                ? null
                : `${problem}. Until this is mended, only the policies that are always in force decide.`,
            ],
            [
              'Who changes the rules',
              single ? 'one IT admin alone, as there is only one' : 'an IT admin, and another one must agree',
            ],
          ],
    lists: {
      policies: { ...policyItem, told: (_, { asked }) => asked['policy'] === undefined },
      versions: {
        heading: 'Versions',
        told: (_, { asked }) => asked['policy'] === undefined && asked['version'] === undefined,
        sentence: ({ version, note, at }) =>
          sentence`${strong(`Version ${version}`)}, ${new Date(at)}: ${note}`,
        buttons: [{ text: 'Show this version', tool: 'policy_show', input: ({ version }) => ({ version }) }],
      },
    },
    text: ({ text }) => ({ label: 'Cedar text', whole: text }),
  },
  scope: 'policy.read',
  command: '/policy show [version]',
  targets: () => TENANT_TARGET,
  effects: 'read',
  light: true,
  run: async (ctx, input) => {
    if (input.policy !== undefined && input.version !== undefined)
      throw new Fault('invalid_input', 'Name a version or a policy, not both.', { field: 'policy' });
    const now = await ctx.policy.inForce();
    const versions = input.policy === undefined ? await policyVersionsOf(ctx, 100) : [];
    const shown =
      input.policy === undefined
        ? now.policies.toSorted((one, other) => place(one.id) - place(other.id))
        : now.policies.filter(({ id }) => id === input.policy);
    const [one] = shown;
    if (one === undefined && input.policy !== undefined)
      throw new Fault('not_found', `No policy in force has the id ${input.policy}.`, { field: 'policy' });
    return {
      version: input.version ?? now.version,
      text: await textOf(),
      problem: now.problem,
      single_admin: now.singleAdmin,
      policies: shown.map(({ id, effect, reason, requirement, allows, addsOnly, tools, target, stays }) => ({
        id,
        effect,
        reason,
        approval: requirement === null ? null : `${requirement.quorum} of ${requirement.approver}`,
        allows,
        adds_only: addsOnly,
        tools: tools === null ? null : [...tools],
        target,
        requirement:
          requirement === null
            ? null
            : {
                approver: requirement.approver,
                fallback: requirement.fallback,
                quorum: requirement.quorum,
                step_up: requirement.stepUp,
              },
        stays,
      })),
      versions: versions.map(({ version, note, createdAt, callId }) => ({
        version,
        note,
        at: createdAt.toISOString(),
        call_id: callId,
      })),
    };

    /** As they are written: first the organisation's own, then what stays beside them. */
    function place(id: string): number {
      const mark = `@id("${id}")`;
      const own = now.text.indexOf(mark);
      return own < 0 ? now.text.length + ctx.policy.shipped.indexOf(mark) : own;
    }

    async function textOf(): Promise<string> {
      if (input.policy !== undefined && one !== undefined) return one.text;
      const { version } = input;
      if (version === undefined) return now.text;
      const row = version === 0 ? null : await policyVersion(ctx, version);
      if (version !== 0 && row === null)
        throw new Fault('not_found', `Policy version ${version} does not exist.`, { field: 'version' });
      return row === null || row.text === '' ? ctx.policy.shipped : row.text;
    }
  },
});
