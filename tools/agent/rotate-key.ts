import { z } from 'zod';
import { causesOf } from '#domain/agent/causes.ts';
import { liveKeys, partsOf, rotateCredentials } from '#domain/agent/credentials.ts';
import { pinCredentials, readCredentials } from '#domain/agent/register.ts';
import { findAgent } from '#domain/agent/store.ts';
import { MAX_SPIFFE_ID } from '#domain/token/client/spiffe.ts';
import { counted } from '#engine/answer-words.ts';
import { credentialFields } from '#engine/credentials-in-words.ts';
import { agentTarget, defineTool } from '#engine/tool.ts';
import { Fault } from '#lib/fault.ts';

export default defineTool({
  name: 'agent_rotate_key',
  title: "Rotate an agent's keys",
  lead: 'Rotate the keys of',
  description:
    "Replaces an agent's credentials with new public keys, a JWKS URL or a SPIFFE ID. Its tokens stop working, and mandates from people other than you freeze until they confirm them.",
  input: z
    .object({
      agent: z.string().meta({ ref: 'agent' }).describe('Agent name or ID.'),
      public_key: z
        .string()
        .min(20)
        .max(20_000)
        .optional()
        .meta({ multiline: true, first: true })
        .describe(
          'New public key as a JSON Web Key, or several keys as a JWK Set. Never paste a private key.',
        ),
      jwks_url: z
        .string()
        .max(500)
        .meta({ label: 'JWKS URL', first: true })
        .optional()
        .describe('Use instead of public_key: the https URL where the agent publishes its JWK Set.'),
      spiffe_id: z
        .string()
        .max(MAX_SPIFFE_ID)
        .optional()
        .meta({ title: 'SPIFFE ID', first: true })
        .describe(
          'Use instead of public_key: the SPIFFE ID of the agent’s workload (spiffe://trust-domain/path). An IT admin must already have set the bundle of its trust domain.',
        ),
      grace_hours: z
        .number()
        .int()
        .min(0)
        .max(168)
        .default(0)
        .describe(
          'How many hours the old keys keep working. 0 retires them immediately; a JWKS URL or SPIFFE ID always does.',
        ),
    })
    .refine(
      ({ public_key, jwks_url, spiffe_id }) =>
        [public_key, jwks_url, spiffe_id].filter((one) => one !== undefined).length === 1,
      { path: ['public_key'], message: 'give exactly one of public_key, jwks_url and spiffe_id' },
    ),
  output: z.object({
    agent_id: z.string(),
    kids: z.array(z.string()).describe('Key IDs that are valid now.'),
    jwks_url: z.string().nullable(),
    spiffe_id: z.string().nullable(),
    frozen: z.array(z.string()).describe('Mandates that are frozen until their principals confirm them.'),
  }),
  inWords: {
    fields: (one) => [
      ...credentialFields(one),
      [
        'Frozen',
        one.frozen.length === 0
          ? null
          : `${counted(one.frozen.length, 'mandate')}, until the people who gave them confirm them.`,
      ],
    ],
  },
  scope: 'agent.manage',
  only: 'people',
  command: '/agent rotate <agent>',
  targets: (input) => [agentTarget(input.agent)],
  effects: 'write',
  danger: 'serious',
  pin: pinCredentials,
  preview: async (ctx, input) => {
    const { keys, jwksUrl, spiffeId } = partsOf(await readCredentials(ctx, input, input.agent));
    const agent = await findAgent(ctx, input.agent);
    const old = await liveKeys(ctx, input.agent);
    const due =
      agent !== null && causesOf(agent).includes('rotation_due') ? ' The agent works again with them.' : '';
    return {
      changes: [
        {
          what: 'credentials',
          from: agent?.jwksUrl ?? agent?.spiffeId ?? kidsOf(old),
          to: jwksUrl ?? spiffeId ?? kidsOf(keys),
        },
      ],
      effect: `${agent?.name ?? input.agent} authenticates with ${spiffeId === null ? 'new keys' : 'JWT-SVIDs'}. Mandates that other people gave it freeze until they confirm them.${due}`,
      reversible: false,
    };
  },
  run: async (ctx, input) => {
    const agent = await findAgent(ctx, input.agent, 'update');
    const given = await readCredentials(ctx, input, input.agent);
    if (agent === null || given === null) throw new Fault('not_found', 'Agent not found.');
    const hit = await rotateCredentials(ctx, agent, given, input.grace_hours, ctx.actor);
    return {
      agent_id: agent.id,
      kids: (await liveKeys(ctx, agent.id)).map((key) => key.kid),
      jwks_url: partsOf(given).jwksUrl,
      spiffe_id: partsOf(given).spiffeId,
      frozen: hit.map((mandate) => mandate.id),
    };
  },
});

const kidsOf = (keys: readonly { readonly kid: string }[]): string => keys.map(({ kid }) => kid).join(', ');
