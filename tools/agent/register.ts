import { z } from 'zod';
import { pinCredentials, readCredentials, registerAgent, requireFreeName } from '#domain/agent/register.ts';
import { findPerson } from '#domain/person/store.ts';
import { MAX_SPIFFE_ID } from '#domain/token/spiffe.ts';
import { defineTool, personTarget } from '#engine/tool.ts';

export default defineTool({
  name: 'agent_register',
  title: 'Register an agent',
  description:
    'Makes an AI agent known, with its owner, its own public keys (or where it publishes them, or its SPIFFE ID) and the most that any mandate may give it. It can do nothing until somebody gives it a mandate.',
  input: z.object({
    name: z
      .string()
      .trim()
      .regex(/^[a-z0-9][a-z0-9-]{1,38}[a-z0-9]$/i, 'use 3 to 40 letters, digits and hyphens')
      .describe('A name that people will recognise: deploy-bot.'),
    owner: z.string().meta({ ref: 'person' }).describe('Who answers for it: person id or work email.'),
    scopes: z
      .array(z.string().min(1).max(200))
      .min(1)
      .max(100)
      .meta({ ref: 'scope' })
      .describe('Its ceiling: the scopes that it may ever be given.'),
    public_key: z
      .string()
      .min(20)
      .max(20_000)
      .optional()
      .meta({ multiline: true })
      .describe(
        'Its public key as a JSON Web Key (EC P-256 or RSA), or several as a JWK Set. The private half stays with the agent; never paste it.',
      ),
    jwks_url: z
      .string()
      .max(500)
      .meta({ label: 'JWKS URL' })
      .optional()
      .describe('Instead of keys: the https address where it publishes them.'),
    spiffe_id: z
      .string()
      .max(MAX_SPIFFE_ID)
      .optional()
      .meta({ title: 'SPIFFE ID' })
      .describe(
        'Instead of keys: the SPIFFE ID of its workload (spiffe://trust-domain/path), in a trust domain whose bundle an IT admin has set. It proves itself with JWT-SVIDs.',
      ),
  }),
  output: z.object({
    agent_id: z.string().describe('Also its OAuth client_id.'),
    name: z.string(),
    owner: z.string(),
    scopes: z.array(z.string()),
    kid: z
      .string()
      .nullable()
      .describe('Key id for its client assertions (RFC 7638 thumbprint); null where it has no key here.'),
    kids: z.array(z.string()).describe('Of all its keys.'),
    jwks_url: z.string().nullable(),
    spiffe_id: z.string().nullable(),
    not_yet: z
      .string()
      .nullable()
      .describe('Why it can prove nothing yet, and how to mend that; null where it has a key.'),
  }),
  scope: 'agent.manage',
  only: 'people',
  command: '/agent register <name> [owner] [scopes] [public_key]',
  targets: (input) => [personTarget(input.owner)],
  effects: 'write',
  danger: 'mild',
  pin: pinCredentials,
  preview: async (ctx, input) => {
    const bare = (await readCredentials(ctx, input, null)) === null;
    await requireFreeName(ctx, input.name);
    const owner = await findPerson(ctx, input.owner);
    return {
      changes: [{ what: 'agent', to: input.name }],
      effect: `${input.name} becomes known, owned by ${owner?.displayName ?? input.owner}; it can do nothing without a mandate${bare ? ', and cannot authenticate before it is given a key' : ''}.`,
      reversible: true,
    };
  },
  run: (ctx, input) => registerAgent(ctx, input),
});
