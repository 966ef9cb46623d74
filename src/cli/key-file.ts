import { createPrivateKey, createPublicKey } from 'node:crypto';
import type { Jwk } from '#client/index.ts';
import { Unusable } from './command.ts';
import { read, readJson } from './files.ts';

/** The private key of an agent, from a JWK or a PEM file. Throws Unusable, and never quotes the file. */
export function privateKeyIn(file: string): Jwk {
  const make = `Make a key with: prokura agent key --key ${file}`;
  const text = read(file, make);
  if (!text.includes('-----BEGIN')) {
    const jwk = readJson(file, make) as Jwk;
    if (jwk.kty === undefined || jwk.d === undefined)
      throw new Unusable(`${file} does not hold a private key (JWK or PEM). ${make}`);
    return jwk;
  }
  try {
    return createPrivateKey(text).export({ format: 'jwk' });
  } catch {
    throw new Unusable(`${file} does not hold a private key (JWK or PEM). ${make}`);
  }
}

/** The public half, with the members that a registration needs and no others. */
export function publicJwk(key: Jwk): Jwk {
  const { kty, crv, x, y, n, e } = createPublicKey({ key: key as never, format: 'jwk' }).export({
    format: 'jwk',
  }) as Jwk;
  return (kty === 'RSA' ? { kty, n, e } : { kty, crv, x, y }) as Jwk;
}
