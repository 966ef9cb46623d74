import { z } from 'zod';
import { causesOf } from '#domain/agent/causes.ts';
import { liveKeys, partsOf, rotateCredentials } from '#domain/agent/credentials.ts';
import { pinCredentials, readCredentials } from '#domain/agent/register.ts';
import { findAgent } from '#domain/agent/store.ts';
import { MAX_SPIFFE_ID } from '#domain/token/spiffe.ts';
import { agentTarget, defineTool } from '#engine/tool.ts';
import { Fault } from '#lib/fault.ts';

export default defineTool({
  name: 'agent_rotate_key',
  title: 'Rotate the keys of an agent',
  description:
    "Gives an agent new public keys, the address where it publishes them, or a SPIFFE ID, and retires the old ones at once or after a grace. Its tokens die, and other people's mandates freeze until each of them confirms.",
  input: z
    .object({
      agent: z.string().meta({ ref: 'agent' }).describe('The agent: its name or id.'),
      public_key: z
        .string()
        .min(20)
        .max(20_000)
        .optional()
        .meta({ multiline: true, first: true })
        .describe(
          'The new public key as a JSON Web Key, or several as a JWK Set. Never paste a private key.',
        ),
      jwks_url: z
        .string()
        .max(500)
        .meta({ label: 'JWKS URL', first: true })
        .optional()
        .describe('Instead: the https address where it publishes its keys.'),
      spiffe_id: z
        .string()
        .max(MAX_SPIFFE_ID)
        .optional()
        .meta({ title: 'SPIFFE ID', first: true })
        .describe(
          'Instead: the SPIFFE ID of its workload (spiffe://trust-domain/path), in a trust domain whose bundle an IT admin has set.',
        ),
      grace_hours: z
        .number()
        .int()
        .min(0)
        .max(168)
        .default(0)
        .describe(
          'How long the old keys still work beside new ones; 0: not at all, and so it is with an address and a SPIFFE ID.',
        ),
    })
    .refine(
      ({ public_key, jwks_url, spiffe_id }) =>
        [public_key, jwks_url, spiffe_id].filter((one) => one !== undefined).length === 1,
      { path: ['public_key'], message: 'give public_key, jwks_url or spiffe_id, one of them' },
    ),
  output: z.object({
    agent_id: z.string(),
    kids: z.array(z.string()).describe('Keys that stand now.'),
    jwks_url: z.string().nullable(),
    spiffe_id: z.string().nullable(),
    frozen: z.array(z.string()).describe('Mandates that wait for their principals to confirm.'),
  }),
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
      agent !== null && causesOf(agent).includes('rotation_due') ? ' It works again with them.' : '';
    return {
      changes: [
        {
          what: 'credentials',
          from: agent?.jwksUrl ?? agent?.spiffeId ?? kidsOf(old),
          to: jwksUrl ?? spiffeId ?? kidsOf(keys),
        },
      ],
      effect: `${agent?.name ?? input.agent} proves itself with ${spiffeId === null ? 'new keys' : 'JWT-SVIDs'}; mandates that others gave it freeze until they confirm.${due}`,
      reversible: false,
    };
  },
  run: async (ctx, input) => {
    const agent = await findAgent(ctx, input.agent, 'update');
    const given = await readCredentials(ctx, input, input.agent);
    if (agent === null || given === null) throw new Fault('not_found', 'There is no such agent here.');
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
