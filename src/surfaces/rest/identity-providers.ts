import { z } from 'zod';
import {
  checkDocument,
  checkIssuers,
  IdentityProvidersDocument,
  identityProvidersDocument,
  type StoredIdentityProviders,
} from '#domain/tenant/identity-providers.ts';
import type { TokenKernel } from '#domain/token/kernel.ts';
import { TOKEN_CHECKS, type TokenTrial } from '#domain/token/subject/providers/explain.ts';
import type { App } from '#engine/app.ts';
import { readonly } from '#engine/transact.ts';
import { createGuardedFetch } from '#lib/guarded-fetch.ts';
import { parsed } from './api-keys.ts';
import { withTool, type Caller } from './authenticate.ts';
import { useTool } from './tools.ts';

// The tool that changes the configuration. A key with the scope `admin` may ask for it.
const TOOL = 'provider_set';

/** The body of a request to try a token. */
export const TriedToken = z.strictObject({
  token: z
    .string()
    .min(1)
    .max(20_000)
    .describe('An access token to test. It is not stored, logged or returned.'),
});

/** The answer: the result of every check. */
export const TokenTrialView = z.object({
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
export const showIdentityProviders = (app: App, { tenantId }: Caller): Promise<StoredIdentityProviders> =>
  readonly(app, tenantId, identityProvidersDocument);

/**
 * Replaces the configuration. Parses and checks it, asks every issuer, and then calls `provider_set`. That
 * waits for two IT admins, unless the organisation has declared that it has only one (`singleAdmin`). Answers
 * 200 with the configuration once it is in force, and 202 with `Location` while it waits. Throws Fault
 * `invalid_input` (`detail.problems`).
 */
export async function putIdentityProviders(
  app: App,
  caller: Caller,
  body: Readonly<Record<string, unknown>>,
  waitMs: number | null,
  signal: AbortSignal,
): Promise<Response> {
  const document = parsed(IdentityProvidersDocument, body);
  const current = await showIdentityProviders(app, caller);
  const loopback = app.mode === 'sandbox';
  checkDocument(document, { loopback, current });
  await checkIssuers(document, createGuardedFetch({ loopback, trusted: app.operatorIssuers }));
  const answer = await useTool(app, withTool(caller, TOOL), TOOL, document, waitMs, signal);
  return answer.status === 200 ? Response.json(await showIdentityProviders(app, caller)) : answer;
}

/** Tries a token against the configuration. Makes every check in order, and changes nothing. */
export const tryIdentityProviders = (
  kernel: Pick<TokenKernel, 'tryToken'>,
  { tenantId }: Caller,
  body: Readonly<Record<string, unknown>>,
): Promise<TokenTrial> => kernel.tryToken(tenantId, parsed(TriedToken, body).token);
