import { z } from 'zod';
import {
  checkDocument,
  checkIssuers,
  IdentityProvidersDocument,
  identityProvidersDocument,
  StoredIdentityProviders,
} from '#domain/tenant/identity-providers.ts';
import type { TokenKernel } from '#domain/token/kernel.ts';
import { TOKEN_CHECKS, type TokenTrial } from '#domain/token/subject/providers/explain.ts';
import type { App } from '#engine/app.ts';
import { readonly } from '#engine/transact.ts';
import { createGuardedFetch } from '#lib/guarded-fetch.ts';
import { withTool, type Caller } from './authenticate.ts';
import { answerOf, bodyOf, route, type Patience } from './route.ts';
import { useTool } from './tools.ts';

// The tool that changes the configuration. A key with the scope `admin` may ask for it.
const TOOL = 'provider_set';

/** The body of a request to try a token. */
const TriedToken = z.strictObject({
  token: z
    .string()
    .min(1)
    .max(20_000)
    .describe('An access token to test. It is not stored, logged or returned.'),
});

/** The answer: the result of every check. */
const TokenTrialView = z.object({
  accepted: z.boolean(),
  subject: z.string().nullable().describe('The canonical subject, if the signature is valid.'),
  person: z.string().nullable().describe('Prokura’s ID of the person, if the signature is valid.'),
  checks: z.array(
    z.object({
      check: z.enum(TOKEN_CHECKS),
      ok: z.boolean().nullable().describe('Null if it was not checked, because an earlier check failed.'),
      why: z.string(),
    }),
  ),
});

/** The current configuration. */
const showIdentityProviders = (app: App, { tenantId }: Caller): Promise<StoredIdentityProviders> =>
  readonly(app, tenantId, identityProvidersDocument);

/**
 * Replaces the configuration. Checks it, asks every issuer, and then calls `provider_set`. That waits for two
 * IT admins, unless the organisation has declared that it has only one (`singleAdmin`). Answers 200 with the
 * configuration once it is in force, and 202 with `Location` while it waits. Throws Fault `invalid_input`
 * (`detail.problems`).
 */
async function putIdentityProviders(
  app: App,
  caller: Caller,
  document: IdentityProvidersDocument,
  patience: Patience,
): Promise<Response> {
  const current = await showIdentityProviders(app, caller);
  const loopback = app.mode === 'sandbox';
  checkDocument(document, { loopback, current });
  await checkIssuers(document, createGuardedFetch({ loopback, trusted: app.operatorIssuers }));
  const answer = await useTool(app, withTool(caller, TOOL), TOOL, document, patience);
  return answer.status === 200 ? Response.json(await showIdentityProviders(app, caller)) : answer;
}

/** Tries a token against the configuration. Makes every check in order, and changes nothing. */
const tryIdentityProviders = (
  kernel: Pick<TokenKernel, 'tryToken'>,
  { tenantId }: Caller,
  { token }: z.infer<typeof TriedToken>,
): Promise<TokenTrial> => kernel.tryToken(tenantId, token);

const PATH = '/v1/tenants/{tenantId}/identity-providers';

/** The routes of identity providers. */
export const IDENTITY_PROVIDER_ROUTES = [
  route({
    method: 'GET',
    path: PATH,
    who: 'admin',
    operationId: 'showIdentityProviders',
    summary: 'Returns the identity providers whose access tokens are accepted (API key with `admin`)',
    answer: answerOf(StoredIdentityProviders),
    handle: ({ app, caller }) => showIdentityProviders(app, caller),
  }),
  route({
    method: 'PUT',
    path: PATH,
    who: 'admin',
    operationId: 'setIdentityProviders',
    summary: 'Replaces the identity providers whose access tokens are accepted (API key with `admin`)',
    description:
      'Prokura fetches the discovery document of every issuer, which must name exactly that issuer, and its keys. Then two IT admins must approve, so the request waits (202), unless the organisation has only one administrator. Without `API_KEY`, the REST API rejects API keys from then on, including at this endpoint; an IT admin can allow them again with the tool `provider_set`. SCIM keys and introspection keep working.',
    body: bodyOf(IdentityProvidersDocument),
    waits: true,
    once: 'call',
    answer: answerOf(StoredIdentityProviders),
    handle: ({ app, caller, body, patience }) => putIdentityProviders(app, caller, body, patience),
  }),
  route({
    method: 'POST',
    path: `${PATH}/try`,
    who: 'admin',
    operationId: 'tryToken',
    summary: 'Checks an access token and returns the result of every check (API key with `admin`)',
    description: 'Issues and records nothing, and does not return any part of the token.',
    body: bodyOf(TriedToken),
    answer: answerOf(TokenTrialView),
    handle: ({ kernel, caller, body }) => tryIdentityProviders(kernel, caller, body),
  }),
];
