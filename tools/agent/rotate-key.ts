import { z } from 'zod';
import { causesOf } from '#domain/agent/causes.ts';
import { liveKeys, rotateCredentials } from '#domain/agent/credentials.ts';
import { readCredentials } from '#domain/agent/register.ts';
import { findAgent } from '#domain/agent/store.ts';
import { agentTarget, defineTool } from '#engine/tool.ts';
import { Fault } from '#lib/fault.ts';

export default defineTool({
  name: 'agent_rotate_key',
  title: 'Rotate the keys of an agent',
  description:
    "Gives an agent new public keys, or the address where it publishes them, and retires the old ones at once or after a grace. Its tokens die, and other people's mandates freeze until each of them confirms.",
  input: z
    .object({
      agent: z.string().meta({ ref: 'agent' }).describe('The agent: its name or id.'),
      public_key: z
        .string()
        .min(20)
        .max(20_000)
        .optional()
        .meta({ multiline: true })
        .describe(
          'The new public key as a JSON Web Key, or several as a JWK Set. Never paste a private key.',
        ),
      jwks_url: z
        .string()
        .max(500)
        .optional()
        .describe('Instead: the https address where it publishes its keys.'),
      grace_hours: z
        .number()
        .int()
        .min(0)
        .max(168)
        .default(0)
        .describe('How long the old keys still work beside the new ones; 0: not at all.'),
    })
    .refine((input) => (input.public_key === undefined) !== (input.jwks_url === undefined), {
      path: ['public_key'],
      message: 'give public_key or jwks_url, one of them',
    }),
  output: z.object({
    agent_id: z.string(),
    kids: z.array(z.string()).describe('Keys that stand now.'),
    jwks_url: z.string().nullable(),
    frozen: z.array(z.string()).describe('Mandates that wait for their principals to confirm.'),
  }),
  scope: 'agent.manage',
  only: 'people',
  command: '/agent rotate <agent>',
  targets: (input) => [agentTarget(input.agent)],
  effects: 'write',
  danger: 'serious',
  preview: async (ctx, input) => {
    const given = await readCredentials(ctx, input);
    const agent = await findAgent(ctx, input.agent);
    const old = await liveKeys(ctx, input.agent);
    const to =
      given === null ? '' : 'keys' in given ? given.keys.map((key) => key.kid).join(', ') : given.jwksUrl;
    const due =
      agent !== null && causesOf(agent).includes('rotation_due') ? ' It works again with them.' : '';
    return {
      changes: [{ what: 'credentials', from: agent?.jwksUrl ?? old.map((key) => key.kid).join(', '), to }],
      effect: `${agent?.name ?? input.agent} proves itself with new keys; mandates that others gave it freeze until they confirm.${due}`,
      reversible: false,
    };
  },
  run: async (ctx, input) => {
    const agent = await findAgent(ctx, input.agent, 'update');
    const given = await readCredentials(ctx, input);
    if (agent === null || given === null) throw new Fault('not_found', 'There is no such agent here.');
    const hit = await rotateCredentials(ctx, agent, given, input.grace_hours, ctx.actor);
    return {
      agent_id: agent.id,
      kids: (await liveKeys(ctx, agent.id)).map((key) => key.kid),
      jwks_url: 'jwksUrl' in given ? given.jwksUrl : null,
      frozen: hit.map((mandate) => mandate.id),
    };
  },
});
