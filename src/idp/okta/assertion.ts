import { randomUUID } from 'node:crypto';
import { importJWK, SignJWT, type JWK } from 'jose';
import { Fault } from '#lib/fault.ts';

const BY_CURVE = { 'P-256': 'ES256', 'P-384': 'ES384', 'P-521': 'ES512' } as const;
const RSA_ALGORITHMS = new Set(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']);

/**
 * The JWS algorithm for a private key: for RSA its `alg`, or RS256; for EC by its curve. Throws Fault
 * `invalid_input` for other keys, since Okta accepts none for `private_key_jwt`.
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
 * Returns a function that makes client assertions (RFC 7523 section 3). Okta allows a lifetime of five
 * minutes and requires the token URL as `aud`. Each assertion has its own `jti` and may be sent once. The
 * function takes the time in epoch ms. The key is imported on first use; a public or damaged key throws Fault
 * `invalid_input`.
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

// Without a cause: a key parser's errors may quote the key.
const badKey = (what: string): Fault =>
  new Fault(
    'invalid_input',
    `The private key of this Okta connection ${what}: paste the whole private JWK.`,
    {
      detail: { field: 'privateKey' },
    },
  );
