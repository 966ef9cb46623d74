import { z } from 'zod';
import { actorName } from '#domain/actor.ts';
import { rotateSigningKey } from '#domain/token/keys/rotate-signing-key.ts';
import { everySigningKeyOf } from '#domain/token/store.ts';
import type { App } from '#engine/app.ts';
import { readonly, transact } from '#engine/transact.ts';
import type { Caller } from './authenticate.ts';
import { answerOf, route } from './route.ts';

/** The answer to a rotation. */
const RotatedSigningKey = z.object({
  kid: z.string(),
  active_from: z.iso.datetime().describe('When it starts to sign. It is already in the JWKS.'),
  retiring: z.array(z.string()).describe('Keys that stay in the JWKS until `retires_at`.'),
  retires_at: z.iso.datetime(),
});

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

/**
 * Starts a rotation of the tenant's signing key. Does not check for the scope `admin`; the caller must.
 * Throws Fault `conflict` while a rotation is in progress.
 */
async function rotateSigningKeys(
  app: App,
  { tenantId, actor }: Caller,
): Promise<z.infer<typeof RotatedSigningKey>> {
  const rotation = await transact(app, tenantId, (ctx) =>
    rotateSigningKey(ctx, app.secrets, actorName(actor)),
  );
  return {
    kid: rotation.kid,
    active_from: rotation.activeFrom.toISOString(),
    retiring: [...rotation.retiring],
    retires_at: rotation.retiresAt.toISOString(),
  };
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
    once: 'answer',
    answer: answerOf(RotatedSigningKey, 201),
    handle: ({ app, caller }) => rotateSigningKeys(app, caller),
  }),
];
