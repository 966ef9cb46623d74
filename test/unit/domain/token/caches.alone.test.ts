import type * as crypto from 'node:crypto';
import { generateKeyPairSync } from 'node:crypto';
import type { Sql } from 'postgres';
import { describe, expect, test, vi } from 'vitest';
import { createClientAuthenticator } from '#domain/token/client/client-authenticator.ts';
import { createSignatureCheck } from '#domain/token/issued/delegation-token.ts';
import type { KernelParts } from '#domain/token/parts.ts';
import { configuredProviders } from '#domain/token/subject/providers/configured.ts';
import type { SigningKeys } from '#domain/token/keys/signing-keys.ts';
import type { StoredCredentials } from '#domain/token/store.ts';
import { sha256 } from '#lib/crypto.ts';
import { newId } from '#lib/id.ts';
import { createRemoteKeys } from '#lib/jwks.ts';
import { MAX_TOKEN_LENGTH, parseJwt, signJwt } from '#lib/jwt.ts';
import { createLogger } from '#lib/log.ts';
import { b64 } from '../../../support/token-requests.ts';

/** Signatures that were checked. */
const verified = vi.hoisted(() => ({ count: 0 }));
vi.mock('node:crypto', async (original) => {
  const real = await original<typeof crypto>();
  const verify = (...of: Parameters<typeof real.verify>) => {
    verified.count += 1;
    return real.verify(...of);
  };
  return { ...real, default: { ...real, verify }, verify };
});

const MIB = 1024 * 1024;
/** The most that each cache of the token endpoint may hold. */
const MAX_BYTES = 16 * MIB;
const BASE = 'https://prokura.test';
const log = createLogger('silent');
const now = () => new Date();

describe('T31: signatures that held', () => {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const tenantId = newId('tnt');
  let published = true;
  const keys = {
    verifier: async () => (published ? { alg: 'ES256', key: pair.publicKey } : null),
  } as unknown as SigningKeys;
  const token = (more: Record<string, unknown> = {}) => {
    const seconds = Math.floor(Date.now() / 1000);
    const claims = {
      iss: `${BASE}/t/${tenantId}`,
      sub: 'oidc:okta:00u1',
      aud: `${BASE}/mcp`,
      client_id: newId('agt'),
      iat: seconds,
      exp: seconds + 300,
      jti: newId('evt'),
      scope: 'a',
      mandate_id: newId('mdt'),
      epoch: [0, 0, 0, 0],
      ...more,
    };
    return signJwt({ typ: 'at+jwt', alg: 'ES256', kid: 'k' }, claims, pair.privateKey);
  };
  const signatures = createSignatureCheck(BASE, keys);
  /** How many signatures are checked for these tokens. */
  const checksOf = async (tokens: readonly string[]) => {
    verified.count = 0;
    for (const one of tokens) await signatures.check(one);
    return verified.count;
  };

  test('T31: are remembered by the whole token: another signature under the same claims is looked at', async () => {
    signatures.flush();
    const good = token();
    expect([await checksOf([good]), await checksOf([good, good])]).toEqual([1, 0]);
    const [head, body, tail = ''] = good.split('.');
    const forged = Buffer.from(tail, 'base64url');
    forged[40] = (forged[40] ?? 0) ^ 1;
    await expect(signatures.check(`${head}.${body}.${forged.toString('base64url')}`)).rejects.toMatchObject({
      detail: { reason: 'signature' },
    });
    published = false;
    await expect(signatures.check(good)).rejects.toMatchObject({ detail: { reason: 'key_unknown' } });
    published = true;
    expect(await checksOf([good])).toBe(1);
  });

  test('T31: are at most 10,000, and of refused tokens none', async () => {
    signatures.flush();
    const tokens = Array.from({ length: 10_000 }, () => token());
    expect(await checksOf(tokens)).toBe(10_000);
    expect(await checksOf([tokens[9999] ?? ''])).toBe(0);
    for (let nth = 0; nth < 50; nth += 1)
      await signatures.check(token().replace(/.{20}$/, 'A'.repeat(20))).catch(() => {});
    expect(await checksOf([tokens[0] ?? ''])).toBe(0);
    expect(await checksOf([token()])).toBe(1);
    // The least recently used one goes first.
    expect(await checksOf([tokens[0] ?? '', tokens[1] ?? ''])).toBe(1);
  });

  test('T31: are of at most 16 MiB of tokens, however long these are', async () => {
    signatures.flush();
    const long = () => token({ scope: 'a'.repeat(5500) });
    const { length } = long();
    expect(length).toBeGreaterThan(0.9 * MAX_TOKEN_LENGTH);
    const fit = Math.floor(MAX_BYTES / (length + 64));
    const tokens = Array.from({ length: fit + 1 }, long);
    await checksOf(tokens);
    expect(await checksOf([tokens[fit] ?? '', tokens[2] ?? ''])).toBe(0);
    expect(await checksOf([tokens[0] ?? ''])).toBe(1);
  });
});

describe('T31: what is kept parsed', () => {
  test('T31: of headers 100, and 100 KiB of them', () => {
    const header = (kid: string) => parseJwt(`${b64({ alg: 'RS256', kid })}.${b64({})}.AAAA`)?.header;
    const first = header('first');
    expect(header('first')).toBe(first);
    const second = header('other 0');
    for (let nth = 1; nth < 99; nth += 1) header(`other ${nth}`);
    expect(header('first')).toBe(first);
    header('one more');
    expect(header('first')).toBe(first);
    expect(header('other 0')).not.toBe(second);
    const again = header('first');
    for (let nth = 0; nth < 14; nth += 1) header(`${nth}${'x'.repeat(5500)}`);
    expect(header('first')).not.toBe(again);
  });

  test('T31: of agents’ credentials 10,000, and 16 MiB of keys', async () => {
    const stored = (agentKeys: StoredCredentials['keys'] = []): StoredCredentials => ({
      epoch: 0,
      status: 'active',
      secretHash: sha256('secret'),
      spiffeId: null,
      jwksUrl: null,
      keys: agentKeys,
    });
    let reads = 0;
    let credentials = stored();
    const read = (async () => ((reads += 1), credentials)) as unknown as KernelParts['read'];
    const clients = createClientAuthenticator(
      { baseUrl: BASE, now, read },
      createRemoteKeys({ now, log, fetch: () => Promise.reject(new TypeError('nobody is asked')) }),
    );
    const tenantId = newId('tnt');
    const readsOf = async (ids: readonly string[]) => {
      reads = 0;
      for (const clientId of ids) {
        const form = { clientId, assertionType: undefined, assertion: undefined, secret: 'secret' };
        await clients.authenticate(tenantId, form);
      }
      return reads;
    };
    const ids = Array.from({ length: 10_001 }, () => newId('agt'));
    const [first = '', second = ''] = ids;
    expect(await readsOf(ids)).toBe(10_001);
    expect([await readsOf([second]), await readsOf([first])]).toEqual([0, 1]);

    clients.flush();
    // A key that cannot verify is not parsed, but its text counts.
    credentials = stored([{ kid: 'k', alg: 'RS256', publicJwk: { n: 'A'.repeat(MIB) } }]);
    expect(await readsOf(ids.slice(0, 16))).toBe(16);
    expect([await readsOf([ids[15] ?? '']), await readsOf([first])]).toEqual([0, 1]);
  });

  test('T31: of tenants’ providers 5,000, and 16 MiB of them', () => {
    const providers = configuredProviders((() => Promise.resolve([])) as unknown as Sql);
    const text = (padding: number) =>
      JSON.stringify([{ kind: 'OKTA', issuer: 'https://a', audience: 'x'.repeat(padding), config: {} }]);
    const [small, large] = [text(1), text(MIB)];
    const first = providers.of('first', small);
    const second = providers.of('tenant 0', small);
    for (let nth = 1; nth < 4999; nth += 1) providers.of(`tenant ${nth}`, small);
    expect(providers.of('first', small)).toBe(first);
    providers.of('one more', small);
    expect(providers.of('first', small)).toBe(first);
    expect(providers.of('tenant 0', small)).not.toBe(second);
    const again = providers.of('first', small);
    for (let nth = 0; nth < 16; nth += 1) providers.of(`large ${nth}`, large);
    expect(providers.of('first', small)).not.toBe(again);
  });
});

describe('T31: published keys of others', () => {
  const { n = '', e = '' } = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({
    format: 'jwk',
  }) as Record<string, string>;
  /** Issuers that publish `document`, and how often they were asked. */
  function issuers(document: unknown) {
    const asked = { count: 0 };
    const text = JSON.stringify(document);
    const keys = createRemoteKeys({
      now,
      log,
      fetch: async () => ((asked.count += 1), new Response(text)),
    });
    const asksOf = async (from: number, to: number, kid = 'one') => {
      asked.count = 0;
      for (let nth = from; nth < to; nth += 1) {
        const issuer = `https://issuer.test/${nth}`;
        expect(await keys.key({ issuer, jwksUri: issuer }, kid, 'RS256')).not.toBeNull();
      }
      return asked.count;
    };
    return { keys, asksOf };
  }

  test('T31: are of at most 1,000 issuers', async () => {
    const { asksOf } = issuers({ keys: [{ kty: 'RSA', n, e, kid: 'one' }] });
    expect(await asksOf(0, 1001)).toBe(1001);
    expect([await asksOf(1, 2), await asksOf(0, 1)]).toEqual([0, 1]);
  });

  test('T31: are at most 100 of one issuer, under names that a token may have, and 16 MiB in all', async () => {
    const kid = (nth: number) => `${nth}`.padStart(256, '0');
    const modulus = Buffer.alloc(1024, 0xc5).toString('base64url');
    const jwks = Array.from({ length: 101 }, (_, nth) => ({ kty: 'RSA', n: modulus, e, kid: kid(nth) }));
    const { keys, asksOf } = issuers({ keys: [{ ...jwks[0], kid: 'x'.repeat(257) }, ...jwks] });
    const source = { issuer: 'https://issuer.test/0', jwksUri: 'https://issuer.test/0' };
    expect(await keys.key(source, kid(98), 'RS256')).not.toBeNull();
    expect(await keys.key(source, kid(99), 'RS256')).toBeNull();
    expect(await keys.key(source, 'x'.repeat(257), 'RS256')).toBeNull();
    const each = 99 * (256 + 1024);
    const fit = Math.floor(MAX_BYTES / (each + source.issuer.length + 2));
    await asksOf(1, fit + 1, kid(0));
    expect([await asksOf(fit, fit + 1, kid(0)), await asksOf(0, 1, kid(0))]).toEqual([0, 1]);
  });
});
