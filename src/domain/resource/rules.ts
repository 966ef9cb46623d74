import { z } from 'zod';
import { invalidInput } from '#lib/problems.ts';
import type { ReadContext, TenantReader } from '../context.ts';
import { requireKnownScopes } from '../scope/rules.ts';
import { resourceServersOf, type ResourceServer } from './store.ts';

/** The maximum per tenant: each exchange and each token check reads all of them. */
const MAX_SERVERS = 50;

const NOT_REGISTERED = 'The resource server is not registered';

/**
 * The identifier of a resource server (RFC 8707 section 2). Identifiers are compared byte for byte, so
 * only one spelling of each is accepted.
 */
export const ResourceIdentifier = z
  .string()
  .max(500)
  .refine(isIdentifier, 'must be an https URL without user name, query and fragment, with a lowercase host')
  .describe(
    'Identifier of the resource server, as in the aud claim of its tokens: https://finance.example.com.',
  );

function isIdentifier(text: string): boolean {
  const url = URL.parse(text);
  return (
    url !== null &&
    url.protocol === 'https:' &&
    url.username === '' &&
    url.password === '' &&
    !/[?#]/.test(text) &&
    (url.href === text || url.href === `${text}/`)
  );
}

/**
 * Refuses an address of this server, and scopes of its tools, which tokens for this server could then no
 * longer carry. Fault `invalid_input` with `detail.problems`.
 */
export function requireForeign({ baseUrl, tools }: ReadContext, server: ResourceServer): void {
  const ours = server.scopes.filter((scope) => tools.some((tool) => tool.scope === scope));
  const problems = ours.map((scope) => ({
    field: 'scopes',
    problem: `${scope} belongs to tools of this server`,
  }));
  if (new URL(server.identifier).origin === new URL(baseUrl).origin)
    problems.push({ field: 'identifier', problem: 'is an address of this server' });
  if (problems.length > 0) throw invalidInput(NOT_REGISTERED, problems);
}

/**
 * Refuses a scope that the catalogue does not have or that belongs to another resource server, and more
 * resource servers than the maximum. Fault `invalid_input` with `detail.problems`.
 */
export async function checkResourceServer(reader: TenantReader, server: ResourceServer): Promise<void> {
  await requireKnownScopes(reader, server.scopes);
  const others = (await resourceServersOf(reader)).filter((one) => one.identifier !== server.identifier);
  const problems = server.scopes.flatMap((scope) => {
    const owner = others.find(({ scopes }) => scopes.includes(scope));
    return owner === undefined
      ? []
      : [{ field: 'scopes', problem: `${scope} belongs to ${owner.identifier}` }];
  });
  if (others.length >= MAX_SERVERS)
    problems.push({
      field: 'identifier',
      problem: `${MAX_SERVERS} resource servers already exist, which is the limit`,
    });
  if (problems.length > 0) throw invalidInput(NOT_REGISTERED, problems);
}
