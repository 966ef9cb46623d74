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
    'Replaces the policies of this organisation with a Cedar text, or returns to an earlier version. Permits that ship with the product no longer apply, except those marked @stays. Another IT admin must approve; use policy_try first.',
  input: z.object({
    text: z
      .string()
      .max(200_000)
      .optional()
      .meta({ multiline: true, first: true })
      .describe(
        'The complete Cedar text. Annotations: @id, @allows, @reason, @approval, @fallback, @quorum, @step_up, @expires.',
      ),
    version: z
      .number()
      .int()
      .min(0)
      .meta({ first: true })
      .optional()
      .describe('Use instead of text: the version to return to. 0 is the text that ships with the product.'),
    note: z
      .string()
      .trim()
      .min(3)
      .max(500)
      .describe('What changes and why. It is shown in the list of versions.'),
  }),
  output: z.object({
    version: z.number().describe('Version number that is now in force.'),
    digest: z.string().describe('SHA-256 of the text.'),
    two_humans: z.boolean().describe('False if a single IT admin made this change alone.'),
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
        ...(away.length === 0 ? [] : [{ what: 'removed', to: away.join(', ') }]),
        ...(added.length === 0 ? [] : [{ what: 'added', to: added.join(', ') }]),
        { what: 'note', to: input.note },
      ],
      effect: `${policies.length} policies apply from now on: ${added.length} new, ${away.length} removed. Pending approvals that this affects are asked again.`,
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
