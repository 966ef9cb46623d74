import { z } from 'zod';
import { RotatedSigningKey } from '#domain/token/keys/rotate-signing-key.ts';
import { everySigningKeyOf } from '#domain/token/store.ts';
import type { App } from '#engine/app.ts';
import { readonly } from '#engine/transact.ts';
import { withTool, type Caller } from './authenticate.ts';
import { answerOf, route, type Patience } from './route.ts';
import { toolOutput } from './tools.ts';

/** Every key that the tenant has signed with, as a JWK Set (RFC 7517) with members of our own. */
const SigningKeys = z.object({
  keys: z.array(
    z.looseObject({
      kid: z.string(),
      active_from: z.iso.datetime(),
      retired_at: z.iso.datetime().nullable(),
    }),
  ),
});

/**
 * The public keys, including retired ones, to verify a ledger checkpoint that an older key signed. To verify
 * tokens, use only the issuer's JWKS.
 */
async function showSigningKeys(app: App, { tenantId }: Caller): Promise<z.infer<typeof SigningKeys>> {
  const rows = await readonly(app, tenantId, everySigningKeyOf);
  return {
    keys: rows.map(({ kid, alg, publicJwk, activeFrom, createdAt, retiredAt }) => ({
      ...publicJwk,
      kid,
      alg,
      use: 'sig',
      active_from: (activeFrom ?? createdAt).toISOString(),
      retired_at: retiredAt?.toISOString() ?? null,
    })),
  };
}

/** Rotates the tenant's signing key with `signing_key_rotate`. */
async function rotateSigningKeys(
  app: App,
  caller: Caller,
  patience: Patience,
): Promise<Response | z.infer<typeof RotatedSigningKey>> {
  const tool = 'signing_key_rotate';
  const answer = await toolOutput(app, withTool(caller, tool), tool, {}, patience);
  return answer instanceof Response ? answer : RotatedSigningKey.parse(answer);
}

const PATH = '/v1/tenants/{tenantId}/signing-keys';

/** The routes of signing keys. */
export const SIGNING_KEY_ROUTES = [
  route({
    method: 'GET',
    path: PATH,
    who: 'admin',
    operationId: 'listSigningKeys',
    summary:
      'Lists every public key that this organisation has signed with, including retired ones (API key with `admin`)',
    description:
      'Use it to verify ledger checkpoints that an older key signed. To verify tokens, use the JWKS of the issuer.',
    answer: answerOf(SigningKeys),
    handle: ({ app, caller }) => showSigningKeys(app, caller),
  }),
  route({
    method: 'POST',
    path: `${PATH}/rotate`,
    who: 'admin',
    operationId: 'rotateSigningKey',
    summary: 'Creates a new key for signing tokens of this organisation (API key with `admin`)',
    description:
      'The new key is published immediately and signs from `active_from` on, when every cached copy of the JWKS has expired. Older keys are retired when the last token they signed has expired. Returns 409 while a new key has not become active yet.',
    waits: true,
    once: 'call',
    answer: answerOf(RotatedSigningKey, 201),
    handle: ({ app, caller, patience }) => rotateSigningKeys(app, caller, patience),
  }),
];
