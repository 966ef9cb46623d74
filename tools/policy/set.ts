import { z } from 'zod';
import { actorName } from '#domain/actor.ts';
import { policyFacts, savePolicyVersion } from '#domain/policy/store.ts';
import { policyText } from '#domain/policy/text.ts';
import { defineTool, TENANT_TARGET } from '#engine/tool.ts';
import { sha256 } from '#lib/crypto.ts';

export default defineTool({
  name: 'policy_set',
  title: 'Set policies',
  description:
    'Puts a Cedar text in force for this organisation, or returns to an older version. It replaces every permit that ships, except those that stay. Another IT admin must agree. Try it first.',
  input: z.object({
    text: z
      .string()
      .max(200_000)
      .optional()
      .meta({ multiline: true, first: true })
      .describe(
        'The whole Cedar text; annotations @id, @allows, @reason, @approval, @fallback, @quorum, @step_up, @expires.',
      ),
    version: z
      .number()
      .int()
      .min(0)
      .meta({ first: true })
      .optional()
      .describe('Instead of a text: return to this version; 0 is what ships.'),
    note: z
      .string()
      .trim()
      .min(3)
      .max(500)
      .describe('What changes and why; it stands in the list of versions.'),
  }),
  output: z.object({
    version: z.number().describe('The number of the version that is in force now.'),
    digest: z.string().describe('SHA-256 of the text.'),
    two_humans: z.boolean().describe('False where one IT admin alone has changed it.'),
  }),
  scope: 'policy.manage',
  command: '/policy set',
  targets: () => TENANT_TARGET,
  effects: 'write',
  danger: 'serious',
  unseen: (input) => input.version !== undefined,
  preview: async (ctx, input) => {
    const { text, from } = await policyText(ctx, input);
    const { policies } = await ctx.policy.check(text);
    const now = await ctx.policy.inForce();
    const [old, fresh] = [
      new Map(now.policies.map((one) => [one.id, one])),
      new Map(policies.map((one) => [one.id, one])),
    ];
    const away = [...old.keys()].filter((id) => !fresh.has(id)).sort();
    const added = [...fresh.keys()].filter((id) => !old.has(id)).sort();
    return {
      changes: [
        {
          what: 'policies',
          from: `version ${now.version}`,
          to: from === null ? `a new text, SHA-256 ${sha256(text)}` : `those of version ${from}`,
        },
        ...(away.length === 0 ? [] : [{ what: 'taken away', to: away.join(', ') }]),
        ...(added.length === 0 ? [] : [{ what: 'added', to: added.join(', ') }]),
        { what: 'note', to: input.note },
      ],
      effect: `${policies.length} policies decide from then on: ${added.length} new, ${away.length} gone. What waits for approval and is touched by it is asked again.`,
      reversible: true,
    };
  },
  run: async (ctx, input) => {
    const { text, from } = await policyText(ctx, input);
    const { singleAdmin } = await policyFacts(ctx);
    const digest = sha256(text);
    const version = await savePolicyVersion(ctx, {
      text,
      note: input.note,
      callId: ctx.callId,
      actor: actorName(ctx.actor),
      digest,
      from,
    });
    return { version, digest, two_humans: !(singleAdmin && ctx.actor.kind === 'person') };
  },
});
