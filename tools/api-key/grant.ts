import { z } from 'zod';
import { actorName } from '#domain/actor.ts';
import type { ReadContext } from '#domain/context.ts';
import { policyFacts } from '#domain/policy/store.ts';
import { KEY_SCOPES } from '#domain/tenant/api-key.ts';
import { checkKeyGrant, grantToKey, unusableScopes } from '#domain/tenant/key-grant.ts';
import { defineTool, TENANT_TARGET } from '#engine/tool.ts';
import { invalidInput } from '#lib/problems.ts';

function requireUsable({ tools }: ReadContext, scopes: readonly string[]): void {
  const wrong = unusableScopes(tools, scopes);
  if (wrong.length === 0) return;
  const problem = `an API key cannot have ${wrong.join(', ')}; use ${KEY_SCOPES.join(', ')}, or names of tools that are not restricted to people`;
  throw invalidInput('The API key was not changed', [{ field: 'scopes', problem }]);
}

export default defineTool({
  name: 'api_key_grant',
  title: 'Grant an API key more scopes',
  description:
    'Adds scopes to an API key: tools that make changes, admin, agent.manage or scim. Only people can do this, and another IT admin must approve. To remove scopes, revoke the key.',
  input: z.object({
    key: z
      .string()
      .regex(/^akey_[0-9a-z]{26}$/, 'must be an API key ID (akey_…)')
      .describe('API key ID, as returned when the key was created.'),
    scopes: z
      .array(z.string().min(1).max(100))
      .min(1)
      .max(50)
      .meta({ ref: 'key_scope' })
      .describe(`Scopes to add: ${KEY_SCOPES.join(', ')}, or tool names.`),
    source: z
      .string()
      .max(500)
      .optional()
      .describe(
        'Required with the scope scim, and only then: whose directory the key writes. One of okta, entra, cognito, or the issuer of a configured generic provider.',
      ),
  }),
  output: z.object({
    key: z.string(),
    name: z.string(),
    scopes: z.array(z.string()).describe('All scopes that the key has now.'),
    source: z.string().nullable(),
    two_humans: z.boolean().describe('False if a single IT admin made this change alone.'),
  }),
  scope: 'api_key.manage',
  only: 'people',
  command: '/apikey grant <key> <scopes>',
  targets: () => TENANT_TARGET,
  effects: 'write',
  danger: 'serious',
  preview: async (ctx, input) => {
    requireUsable(ctx, input.scopes);
    const { key, scopes, source } = await checkKeyGrant(ctx, input);
    const words = (all: readonly string[]) => all.join(', ') || 'nothing';
    return {
      changes: [
        { what: `API key ${key.name} (${key.id})`, from: words(key.scopes), to: words(scopes) },
        ...(source === key.source ? [] : [{ what: 'source', to: source ?? 'none' }]),
      ],
      effect: `Anyone who holds the API key ${key.name} can do all of this at any time, without signing in.`,
      reversible: true,
    };
  },
  run: async (ctx, input) => {
    const { singleAdmin } = await policyFacts(ctx);
    const by = { actor: actorName(ctx.actor), callId: ctx.callId };
    const { key, scopes, source } = await grantToKey(ctx, input, by);
    return { key: key.id, name: key.name, scopes: [...scopes], source, two_humans: !singleAdmin };
  },
});
