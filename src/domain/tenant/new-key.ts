import { z } from 'zod';
import { Fault } from '#lib/fault.ts';
import { oneLine } from '#lib/one-line.ts';
import type { TenantReader } from '../context.ts';
import { findResourceServer } from '../resource/store.ts';
import { KEY_SCOPES, LOOKING_KEY_SCOPES, RESOURCE_KEY_SCOPES, type ListedApiKey } from './api-key.ts';
import { actingScopes, unusableScopes, type NamedTool } from './key-grant.ts';

/** What is asked for in a new key. */
export const NewApiKey = z.strictObject({
  name: oneLine(1, 100).describe('What the key is for. It is shown in the ledger.'),
  scopes: z
    .array(z.string().min(1).max(100))
    .max(50)
    .describe(
      `Read-only scopes: ${LOOKING_KEY_SCOPES.join(', ')}, or names of tools that only read. Two IT admins can add scopes that make changes, in Slack with /apikey grant.`,
    ),
  resource: z
    .string()
    .max(500)
    .optional()
    .describe(
      `Identifier of the resource server that uses the key. Such a key can only have ${RESOURCE_KEY_SCOPES.join(' and ')}, for tokens and scopes of that resource server.`,
    ),
});
/** The parsed form of `NewApiKey`. */
export type NewApiKey = z.infer<typeof NewApiKey>;

/** A key as it is listed. Its secret was in the answer that created it, and is stored nowhere. */
export const ApiKeyView = z.object({
  id: z.string(),
  name: z.string(),
  scopes: z.array(z.string()),
  source: z.string().nullable(),
  resource: z.string().nullable().describe('The resource server that uses the key.'),
  created_at: z.iso.datetime(),
  revoked_at: z.iso.datetime().nullable(),
});

/** Converts a key to that form. */
export const apiKeyView = (key: ListedApiKey): z.infer<typeof ApiKeyView> => ({
  id: key.id,
  name: key.name,
  scopes: [...key.scopes],
  source: key.source,
  resource: key.resource,
  created_at: key.createdAt.toISOString(),
  revoked_at: key.revokedAt?.toISOString() ?? null,
});

/**
 * Checks that the key only reads. Throws Fault `invalid_input` for a scope that no key can have and for an
 * unknown resource server, and `forbidden` for a scope that acts or governs: nobody knows which person holds
 * a key, so keys must not create keys that can do more than read. Humans grant such scopes (`api_key_grant`).
 */
export async function checkNewKey(
  reader: TenantReader,
  tools: readonly NamedTool[],
  { scopes, resource }: NewApiKey,
): Promise<void> {
  const wrong = unusableScopes(tools, scopes);
  if (wrong.length > 0)
    throw invalid(
      'scopes',
      `An API key cannot have ${wrong.join(', ')}. Use ${KEY_SCOPES.join(', ')}, or tool names.`,
    );
  const acting = [...new Set(actingScopes(tools, scopes))];
  if (acting.length > 0)
    throw new Fault(
      'forbidden',
      `An API key can only create read-only keys. Create this key without ${acting.join(', ')}. Then an IT admin can grant these scopes in Slack with /apikey grant and the key ID, and another IT admin must approve.`,
      { detail: { reason: 'humans_grant_this', scopes: acting } },
    );
  if (resource === undefined) return;
  if (scopes.some((scope) => !RESOURCE_KEY_SCOPES.includes(scope)))
    throw invalid(
      'resource',
      `A key of a resource server can only have ${RESOURCE_KEY_SCOPES.join(' and ')}.`,
    );
  if ((await findResourceServer(reader, resource)) === null)
    throw invalid(
      'resource',
      `There is no resource server ${resource}. IT admins can register one in Slack: /resource server set.`,
    );
}

const invalid = (field: string, problem: string): Fault =>
  new Fault('invalid_input', problem, { detail: { problems: [{ field, problem }] } });
