import { z } from 'zod';
import { code, listed, strong } from '#engine/answer-words.ts';
import { credentialFields } from '#engine/credentials-in-words.ts';
import { pinCredentials, readCredentials, registerAgent, requireFreeName } from '#domain/agent/register.ts';
import { findPerson } from '#domain/person/store.ts';
import { MAX_SPIFFE_ID } from '#domain/token/client/spiffe.ts';
import { defineTool, personTarget } from '#engine/tool.ts';

export default defineTool({
  name: 'agent_register',
  title: 'Register an agent',
  description:
    'Registers an AI agent with its owner, its public keys (or a JWKS URL or SPIFFE ID) and its ceiling: the scopes it can ever be given. It can do nothing until someone gives it a mandate.',
  input: z.object({
    name: z
      .string()
      .trim()
      .regex(/^[a-z0-9][a-z0-9-]{1,38}[a-z0-9]$/i, 'use 3 to 40 letters, digits and hyphens')
      .describe('A name that people recognise, such as deploy-bot.'),
    owner: z
      .string()
      .meta({ ref: 'person' })
      .describe('The person responsible for the agent: person ID or work email.'),
    scopes: z
      .array(z.string().min(1).max(200))
      .min(1)
      .max(100)
      .meta({ ref: 'scope' })
      .describe('Ceiling: the only scopes that mandates can give this agent.'),
    public_key: z
      .string()
      .min(20)
      .max(20_000)
      .optional()
      .meta({ multiline: true })
      .describe(
        'Public key as a JSON Web Key (EC P-256 or RSA), or several keys as a JWK Set. Never paste the private key; it stays with the agent.',
      ),
    jwks_url: z
      .string()
      .max(500)
      .meta({ label: 'JWKS URL' })
      .optional()
      .describe('Use instead of public_key: the https URL where the agent publishes its JWK Set.'),
    spiffe_id: z
      .string()
      .max(MAX_SPIFFE_ID)
      .optional()
      .meta({ title: 'SPIFFE ID' })
      .describe(
        'Use instead of public_key: the SPIFFE ID of the agent’s workload (spiffe://trust-domain/path). An IT admin must already have set the bundle of its trust domain. The agent then authenticates with JWT-SVIDs.',
      ),
  }),
  output: z.object({
    agent_id: z.string().describe('Also the OAuth client_id of the agent.'),
    name: z.string(),
    owner: z.string(),
    scopes: z.array(z.string()),
    kid: z
      .string()
      .nullable()
      .describe('Key ID for client assertions (RFC 7638 thumbprint), or null if no key is stored here.'),
    kids: z.array(z.string()).describe('Key IDs of all its keys.'),
    jwks_url: z.string().nullable(),
    spiffe_id: z.string().nullable(),
    not_yet: z
      .string()
      .nullable()
      .describe('Why the agent cannot authenticate yet and how to fix it, or null if it can.'),
  }),
  inWords: {
    fields: (one) => [
      ['Agent', [strong(one.name), ' ', code(one.agent_id)]],
      ['Owner', one.owner],
      ['Can be given', listed(one.scopes)],
      ...credentialFields(one),
      ['Next', one.not_yet],
    ],
    buttons: [
      {
        text: 'Give a mandate',
        tool: 'mandate_create',
        input: ({ agent_id: agent }) => ({ agent }),
        form: true,
      },
    ],
  },
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
      effect: `Registers ${input.name}, owned by ${owner?.displayName ?? input.owner}. It can do nothing without a mandate${bare ? ', and it cannot authenticate until it has a key' : ''}.`,
      reversible: true,
    };
  },
  run: (ctx, input) => registerAgent(ctx, input),
});
