import { randomUUID } from 'node:crypto';
import { importJWK, SignJWT, type JWK } from 'jose';
import { Fault } from '#lib/fault.ts';

const BY_CURVE = { 'P-256': 'ES256', 'P-384': 'ES384', 'P-521': 'ES512' } as const;
const RSA_ALGORITHMS = new Set(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']);

/**
 * The JWS algorithm for a private key: RSA → its `alg` or RS256, EC → by curve. Everything else is a Fault `invalid_input`:
 * Okta takes no other keys for `private_key_jwt`.
 */
function algorithmOf(key: JWK): string {
  if (key.kty === 'RSA') {
    const wanted = key.alg ?? 'RS256';
    if (RSA_ALGORITHMS.has(wanted)) return wanted;
  }
  if (key.kty === 'EC' && key.crv !== undefined && Object.hasOwn(BY_CURVE, key.crv)) {
    return BY_CURVE[key.crv as keyof typeof BY_CURVE];
  }
  throw badKey('is neither an RSA key nor an EC key on P-256, P-384 or P-521');
}

/**
 * Makes client assertions (RFC 7523 section 3; Okta: five minutes at most, `aud` is the token URL), each with its own
 * `jti`, so that each may be sent once. The key is imported at the first use; a public or damaged key is `invalid_input`.
 */
export function assertionMaker(
  client: { clientId: string; privateKey: JWK; keyId?: string | undefined },
  audience: string,
) {
  const alg = algorithmOf(client.privateKey);
  const kid = client.keyId ?? client.privateKey.kid;
  let key: ReturnType<typeof importJWK> | undefined;
  return async (nowMs: number): Promise<string> => {
    if (client.privateKey.d === undefined) throw badKey('holds no private part');
    key ??= importJWK(client.privateKey, alg);
    const nowSeconds = Math.floor(nowMs / 1_000);
    const imported = await key.catch(() => {
      throw badKey('cannot be read');
    });
    return new SignJWT({})
      .setProtectedHeader({ alg, ...(kid === undefined ? {} : { kid }) })
      .setIssuer(client.clientId)
      .setSubject(client.clientId)
      .setAudience(audience)
      .setJti(randomUUID())
      .setIssuedAt(nowSeconds)
      .setExpirationTime(nowSeconds + 300)
      .sign(imported);
  };
}

// Without a cause: errors of key parsers may quote the key.
const badKey = (what: string): Fault =>
  new Fault(
    'invalid_input',
    `The private key of this Okta connection ${what}: paste the whole private JWK.`,
    {
      detail: { field: 'privateKey' },
    },
  );
