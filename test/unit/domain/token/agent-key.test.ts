import { generateKeyPairSync } from 'node:crypto';
import { calculateJwkThumbprint } from 'jose';
import { expect, test } from 'vitest';
import { agentKeyFrom, newAgentKeyPair } from '#domain/agent/key.ts';

test('a new pair is an ES256 key under its RFC 7638 thumbprint, and its public half registers', async () => {
  const { privateJwk, publicJwk, kid, alg } = newAgentKeyPair();
  expect(await calculateJwkThumbprint(publicJwk)).toBe(kid);
  expect(Object.keys(publicJwk).sort()).toEqual(['crv', 'kty', 'x', 'y']);
  expect(privateJwk).toMatchObject({ ...publicJwk, kid, d: expect.any(String) });
  expect(agentKeyFrom({ ...publicJwk, kid: 'of my own', use: 'sig' })).toEqual({ kid, alg, publicJwk });
});

test('an RSA key of 2048 bits registers for RS256', () => {
  const jwk = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' });
  expect(agentKeyFrom(jwk)).toMatchObject({ alg: 'RS256', publicJwk: { kty: 'RSA', e: 'AQAB' } });
});

test('a private key is refused and called burnt; what is no signature key is refused', () => {
  expect(() => agentKeyFrom(newAgentKeyPair().privateJwk)).toThrow(/private key/);
  const short = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' });
  for (const bad of [short, { kty: 'oct', k: 'YQ' }, {}, null, [], 'text', 7]) {
    expect(() => agentKeyFrom(bad)).toThrow(expect.objectContaining({ code: 'invalid_input' }));
  }
});
