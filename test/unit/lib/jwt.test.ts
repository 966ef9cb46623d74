import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import * as fc from 'fast-check';
import { calculateJwkThumbprint, compactVerify, importJWK, SignJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import {
  derToRaw,
  exportPublicJwk,
  importVerifyKey,
  isNumericDate,
  parseJwt,
  rawToDer,
  signJwt,
  thumbprint,
  verifyJws,
  type VerifyKey,
} from '#lib/jwt.ts';

const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const es256: VerifyKey = { alg: 'ES256', key: ec.publicKey };
const rs256: VerifyKey = { alg: 'RS256', key: rsa.publicKey };
const b64 = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const claims = fc.dictionary(
  fc.string(),
  fc.oneof(fc.string({ unit: 'grapheme' }), fc.integer(), fc.boolean(), fc.constant(null)),
);

describe('ES256 signatures', () => {
  test('T6: every R and S survives the way through DER and back', () => {
    const half = fc.uint8Array({ minLength: 32, maxLength: 32 });
    const short = fc
      .tuple(fc.integer({ min: 0, max: 31 }), half)
      .map(([zeros, bytes]) => bytes.fill(0, 0, zeros));
    const property = fc.property(fc.oneof(half, short), fc.oneof(half, short), (r, s) => {
      fc.pre(r.some((byte) => byte !== 0) && s.some((byte) => byte !== 0));
      const raw = Buffer.concat([r, s]);
      return derToRaw(rawToDer(raw)!).equals(raw);
    });
    expect(fc.check(property, { numRuns: 100_000 })).toMatchObject({ failed: false, counterexample: null });
  });

  test("OpenSSL's own conversion agrees", () => {
    for (let run = 0; run < 300; run += 1) {
      const data = Buffer.from(`message ${run}`);
      const raw = sign('sha256', data, { key: ec.privateKey, dsaEncoding: 'ieee-p1363' });
      expect(verifyJws(es256, data.toString(), raw)).toBe(true);
      const der = sign('sha256', data, ec.privateKey);
      expect(rawToDer(derToRaw(der))!.equals(der)).toBe(true);
    }
  });

  test('T6: another length, DER in place of R and S, zeros and a flipped bit are refused', () => {
    const data = 'a.b';
    const raw = sign('sha256', Buffer.from(data), { key: ec.privateKey, dsaEncoding: 'ieee-p1363' });
    const flipped = Buffer.from(raw);
    flipped[40]! ^= 1;
    const zeroR = Buffer.concat([Buffer.alloc(32), raw.subarray(32)]);
    const zeroS = Buffer.concat([raw.subarray(0, 32), Buffer.alloc(32)]);
    for (const bad of [
      raw.subarray(0, 63),
      Buffer.concat([raw, Buffer.from([0])]),
      sign('sha256', Buffer.from(data), ec.privateKey),
      flipped,
      zeroR,
      zeroS,
      Buffer.alloc(64),
      Buffer.alloc(64, 0xff),
      Buffer.alloc(0),
    ]) {
      expect(verifyJws(es256, data, bad)).toBe(false);
    }
  });
});

describe('jose, as an independent implementation', () => {
  test('verifies what we sign', async () => {
    await fc.assert(
      fc.asyncProperty(claims, async (body) => {
        const token = signJwt({ typ: 'at+jwt', alg: 'ES256', kid: 'k' }, body, ec.privateKey);
        const { payload, protectedHeader } = await compactVerify(token, ec.publicKey);
        expect(JSON.parse(new TextDecoder().decode(payload))).toEqual(JSON.parse(JSON.stringify(body)));
        expect(protectedHeader).toEqual({ typ: 'at+jwt', alg: 'ES256', kid: 'k' });
      }),
      { numRuns: 100 },
    );
  });

  test('signs what we verify, with both algorithms', async () => {
    await fc.assert(
      fc.asyncProperty(
        claims,
        fc.constantFrom([es256, ec.privateKey] as const, [rs256, rsa.privateKey] as const),
        async (body, [key, privateKey]) => {
          const jwt = parseJwt(
            await new SignJWT(body).setProtectedHeader({ alg: key.alg }).sign(privateKey),
          )!;
          expect(verifyJws(key, jwt.signed, jwt.signature)).toBe(true);
          expect(verifyJws(key, `${jwt.signed}x`, jwt.signature)).toBe(false);
          expect(jwt.claims).toEqual(JSON.parse(JSON.stringify(body)));
        },
      ),
      { numRuns: 100 },
    );
  });

  test('computes the same thumbprints, whatever else stands in the key', async () => {
    for (const key of [es256, rs256]) {
      const jwk = exportPublicJwk(key);
      const kid = await calculateJwkThumbprint(jwk);
      expect(thumbprint(key)).toBe(kid);
      expect(thumbprint(importVerifyKey({ ...jwk, kid: 'mine', use: 'sig' })!)).toBe(kid);
      expect(await importJWK({ ...jwk, alg: key.alg })).toBeDefined();
    }
  });
});

describe('parseJwt', () => {
  const good = `${b64({ alg: 'ES256' })}.${b64({ a: 1 })}.${b64('s')}`;

  test('takes a compact JWS apart', () => {
    expect(parseJwt(good)).toMatchObject({ header: { alg: 'ES256' }, claims: { a: 1 } });
  });

  test.each([
    ['nothing', ''],
    ['two parts', 'a.b'],
    ['four parts', `${good}.x`],
    ['an empty signature', `${b64({ alg: 'none' })}.${b64({})}.`],
    ['padding', `${b64({ alg: 'ES256' })}=.${b64({})}.${b64('s')}`],
    ['white space', ` ${good}`],
    ['standard base64', `${b64({ alg: 'ES256' })}.${b64({})}.ab+/`],
    ['an array as claims', `${b64({ alg: 'ES256' })}.${b64([1])}.${b64('s')}`],
    ['null as header', `${b64(null)}.${b64({})}.${b64('s')}`],
    ['no JSON', `${b64('{')}.${b64({})}.${b64('s')}`],
    [
      'no UTF-8',
      `${b64({ alg: 'ES256' })}.${Buffer.from([0x7b, 0xff, 0x7d]).toString('base64url')}.${b64('s')}`,
    ],
    ['crit (T2)', `${b64({ alg: 'ES256', crit: ['exp'] })}.${b64({})}.${b64('s')}`],
    ['b64 (T2)', `${b64({ alg: 'ES256', b64: false })}.${b64({})}.${b64('s')}`],
    ['more than 8 KB (T12)', `${b64({ alg: 'ES256' })}.${b64({ a: 'x'.repeat(7000) })}.${b64('s')}`],
  ])('refuses %s', (_, token) => {
    expect(parseJwt(token)).toBeNull();
  });

  test('never throws, and refuses what has not three parts', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), (parts) => {
        const text = parts.join('.');
        expect(parseJwt(text) === null || text.split('.').length === 3).toBe(true);
      }),
    );
  });
});

test('T5: keys that cannot verify are not keys', () => {
  const short = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' });
  const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey.export({ format: 'jwk' });
  const good = ec.publicKey.export({ format: 'jwk' });
  const modulus = (bytes: number) => Buffer.alloc(bytes, 0xc5).toString('base64url');
  const exponentOne = { ...rsa.publicKey.export({ format: 'jwk' }), e: 'AQ' };
  for (const bad of [
    short,
    p384,
    exponentOne,
    { kty: 'RSA', e: 'AQAB', n: modulus(1025) },
    { kty: 'RSA', e: modulus(5), n: modulus(256) },
    { kty: 'oct', k: 'c2VjcmV0' },
    { ...good, use: 'enc' },
    { ...good, alg: 'RS256' },
    { ...good, key_ops: ['sign'] },
    { ...good, x: good.y },
    { kty: 'EC' },
    {},
  ]) {
    expect(importVerifyKey(bad)).toBeNull();
  }
  expect(importVerifyKey({ kty: 'RSA', e: 'AQAB', n: modulus(1024) })).not.toBeNull();
  const fromPrivate = importVerifyKey(ec.privateKey.export({ format: 'jwk' }))!;
  expect(fromPrivate.key.type).toBe('public');
  expect(fromPrivate.key.equals(createPublicKey(ec.privateKey))).toBe(true);
});

test('T13: only a number that can be a date is a date', () => {
  expect([1, 1_800_000_000, 1_800_000_000.5].map(isNumericDate)).toEqual([true, true, true]);
  expect([0, -1, NaN, Infinity, 1e308, '1800000000', null, undefined, {}].map(isNumericDate)).toEqual(
    Array(9).fill(false),
  );
});
