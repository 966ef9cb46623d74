import { exportJWK, generateKeyPair } from 'jose';
import { beforeEach, describe, expect, test } from 'vitest';
import { ProkuraError, scopeList, verifyDelegation, type VerifierOptions } from '#client/index.ts';
import {
  asList,
  AUDIENCE,
  ISSUER,
  json,
  LIST,
  MANDATE,
  testIssuer,
  type TestIssuer,
} from '../../support/memory-issuer.ts';

const JWKS = '/t/tnt_1/oauth2/jwks';
const STATUS = '/t/tnt_1/oauth2/status/1';
let issuer: TestIssuer;
beforeEach(async () => {
  issuer = await testIssuer();
});
const verifier = (more: Partial<VerifierOptions> = {}) =>
  verifyDelegation({ issuer: ISSUER, audience: AUDIENCE, fetch: issuer.fetch, now: issuer.now, ...more });
const refusal = async (work: Promise<unknown>): Promise<ProkuraError> => {
  const error: unknown = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ProkuraError);
  return error as ProkuraError;
};
const reasonOf = async (work: Promise<unknown>) => (await refusal(work)).reason;

test.each(['issuer', 'audience'] as const)(
  'without its %s no verifier is made, and it says which is missing',
  (name) => {
    for (const left of [undefined, ''])
      expect(() => verifier({ [name]: left })).toThrow(
        expect.objectContaining({
          name: 'ProkuraError',
          code: 'configuration',
          reason: name,
          description: expect.stringContaining(`verifyDelegation needs ${name}: `),
        }),
      );
  },
);

describe('a token', () => {
  test('that holds is answered with its claims', async () => {
    const claims = await verifier()(await issuer.token());
    expect(claims).toMatchObject({ sub: 'oidc:okta:00u1', mandate_id: MANDATE, tenant: 'tnt_1' });
    expect(claims.act.sub).toBe(claims.client_id);
    expect(scopeList(claims)).toEqual(['okta.users.read']);
  });

  test.each([
    ['issuer', { iss: `${ISSUER}/` }],
    ['audience', { aud: 'https://other.test' }],
    ['audience', { aud: [AUDIENCE, 'https://other.test'] }],
    ['audience', { aud: undefined }],
    ['claim_missing', { exp: undefined }],
    ['claim_missing', { act: undefined }],
    ['claim_missing', { mandate_id: '' }],
    ['claim_missing', { authorization_details: {} }],
    ['not_yet_valid', { nbf: 2_000_000_000 }],
    ['not_yet_valid', { iat: 2_000_000_000, exp: 2_000_000_300 }],
    ['status', { status: undefined }],
    ['status', { status: { status_list: { idx: -1, uri: LIST } } }],
    ['binding_unknown', { cnf: { 'x5t#S256': 'abc' } }],
    ['dpop_required', { cnf: { jkt: 'abc' } }],
  ])('is refused for its %s: %j', async (reason, claims) => {
    const error = await refusal(verifier()(await issuer.token(claims as never)));
    expect(error).toMatchObject({ code: 'invalid_token', status: 401, reason });
  });

  test('is refused once it has expired, give or take the tolerance', async () => {
    const token = await issuer.token();
    const [verify, strict] = [verifier(), verifier({ clockToleranceSeconds: 0 })];
    issuer.advance(302);
    await verify(token);
    expect(await reasonOf(strict(token))).toBe('expired');
    issuer.advance(3);
    expect(await reasonOf(verify(token))).toBe('expired');
  });

  test('of another type, algorithm or key is refused, and so is what is no token', async () => {
    const verify = verifier();
    const rsa = await generateKeyPair('RS256');
    const other = await generateKeyPair('ES256');
    const secret = new TextEncoder().encode(JSON.stringify(issuer.publicJwk));
    expect(await reasonOf(verify(await issuer.token({}, { header: { typ: 'JWT' } })))).toBe('type');
    expect(await reasonOf(verify(await issuer.token({}, { header: { alg: 'HS256' }, key: secret })))).toBe(
      'algorithm',
    );
    expect(
      await reasonOf(verify(await issuer.token({}, { header: { alg: 'RS256' }, key: rsa.privateKey }))),
    ).toBe('algorithm');
    expect(await reasonOf(verify(await issuer.token({}, { key: other.privateKey })))).toBe('signature');
    const [head, body, tail] = (await issuer.token()).split('.') as [string, string, string];
    const none = Buffer.from('{"alg":"none","typ":"at+jwt","kid":"k1"}').toString('base64url');
    expect(await reasonOf(verify(`${none}.${body}.`))).toBe('algorithm');
    const crit = Buffer.from('{"alg":"ES256","typ":"at+jwt","kid":"k1","crit":["x"],"x":1}').toString(
      'base64url',
    );
    for (const text of [
      '',
      'a.b',
      `${head}.${body}.${tail}=`,
      `${head}.${body}.${tail} `,
      `${crit}.${body}.${tail}`,
      `${head}.${'A'.repeat(20_000)}.${tail}`,
    ])
      expect(await reasonOf(verify(text))).toBe('malformed');
  });
});

describe('keys', () => {
  test('are fetched once for all who ask at once, again for a new one, and not for every unknown one', async () => {
    const verify = verifier();
    await Promise.all([verify(await issuer.token()), verify(await issuer.token())]);
    expect(issuer.hits[JWKS]).toBe(1);
    const next = await generateKeyPair('ES256');
    const nextJwk = { ...(await exportJWK(next.publicKey)), kid: 'k2' };
    issuer.answers[JWKS] = () => json({ keys: [issuer.publicJwk, nextJwk] });
    const signed = () => issuer.token({}, { header: { kid: 'k2' }, key: next.privateKey });
    expect(await reasonOf(verify(await signed()))).toBe('key_unknown');
    expect(issuer.hits[JWKS]).toBe(1);
    issuer.advance(31);
    await verify(await signed());
    for (let round = 0; round < 5; round += 1)
      expect(await reasonOf(verify(await issuer.token({}, { header: { kid: `no${round}` } })))).toBe(
        'key_unknown',
      );
    expect(issuer.hits[JWKS]).toBe(2);
  });

  test.each<[string, Record<string, unknown>]>([
    ['of another curve', { crv: 'P-384' }],
    ['for encryption', { use: 'enc' }],
    ['for another algorithm', { alg: 'ES384' }],
    ['off the curve', { x: Buffer.alloc(32, 1).toString('base64url') }],
  ])('%s are not used', async (_, change) => {
    issuer.answers[JWKS] = () => json({ keys: [null, 7, { ...issuer.publicJwk, ...change }] });
    expect(await reasonOf(verifier()(await issuer.token()))).toBe('key_unknown');
  });

  test('that cannot be had, or are too many, mean no', async () => {
    issuer.answers[JWKS] = () => new Response('x'.repeat(300_000));
    expect(await refusal(verifier()(await issuer.token()))).toMatchObject({
      code: 'unavailable',
      status: 503,
    });
    const verify = verifier();
    delete issuer.answers[JWKS];
    expect(await refusal(verify(await issuer.token()))).toMatchObject({
      code: 'unavailable',
      reason: 'jwks',
    });
    const hits = issuer.hits[JWKS];
    await refusal(verify(await issuer.token()));
    expect(issuer.hits[JWKS]).toBe(hits);
    issuer.answers[JWKS] = () => json({ keys: [issuer.publicJwk] });
    issuer.advance(2);
    await verify(await issuer.token());
  });

  test('that have become old and cannot be fetched are not relied on', async () => {
    const verify = verifier();
    await verify(await issuer.token());
    delete issuer.answers[JWKS];
    issuer.advance(601);
    expect(await refusal(verify(await issuer.token()))).toMatchObject({ code: 'unavailable' });
  });
});

describe('T38: the status list', () => {
  test.each([
    [1, 0b1],
    [2, 0b01],
    [4, 0b0001],
    [8, 1],
  ])('with %i bits is read at the right place', async (bits, revoked) => {
    issuer.answers[STATUS] = async () => asList(await issuer.list({ 7: revoked }, { bits }));
    const verify = verifier();
    expect(await reasonOf(verify(await issuer.token()))).toBe('revoked');
    for (const idx of [0, 6, 8, 9])
      await verify(await issuer.token({ status: { status_list: { idx, uri: LIST } } }));
  });

  test('suspends, refuses what it does not know, and an idx beyond its end', async () => {
    issuer.answers[STATUS] = async () => asList(await issuer.list({ 7: 2, 8: 3 }));
    const verify = verifier();
    expect(await reasonOf(verify(await issuer.token()))).toBe('suspended');
    expect(
      await reasonOf(verify(await issuer.token({ status: { status_list: { idx: 8, uri: LIST } } }))),
    ).toBe('status');
    expect(
      await refusal(verify(await issuer.token({ status: { status_list: { idx: 64 * 4, uri: LIST } } }))),
    ).toMatchObject({ code: 'invalid_token', reason: 'status' });
  });

  test('is kept for its ttl, at most a minute, and a revocation is seen after that', async () => {
    const verify = verifier();
    const token = await issuer.token();
    await Promise.all([verify(token), verify(token)]);
    issuer.advance(59);
    await verify(token);
    expect(issuer.hits[STATUS]).toBe(1);
    issuer.answers[STATUS] = async () => asList(await issuer.list({ 7: 1 }, { claims: { ttl: 86_400 } }));
    issuer.advance(1);
    expect(await reasonOf(verify(token))).toBe('revoked');
    issuer.answers[STATUS] = async () => asList(await issuer.list({}, { claims: { ttl: 5 } }));
    issuer.advance(60);
    await verify(token);
    issuer.advance(5);
    await verify(token);
    expect(issuer.hits[STATUS]).toBe(4);
  });

  test('that cannot be relied on means no, and is asked again', async () => {
    const other = await generateKeyPair('ES256');
    const bad: Record<string, () => Promise<Response>> = {
      sub: async () => asList(await issuer.list({}, { claims: { sub: `${LIST}0` } })),
      iss: async () => asList(await issuer.list({}, { claims: { iss: 'https://evil.test' } })),
      expired: async () => asList(await issuer.list({}, { claims: { exp: issuer.now().getTime() / 1000 } })),
      ttl: async () => asList(await issuer.list({}, { claims: { ttl: 0 } })),
      iat: async () => asList(await issuer.list({}, { claims: { iat: 2_000_000_000, exp: 2_000_000_100 } })),
      signature: async () => asList(await issuer.list({}, { key: other.privateKey })),
      malformed: async () => asList(await issuer.list({}, { header: { typ: 'JWT' } })),
      answer: async () => new Response(await issuer.list({})),
      too_large: async () => asList(await issuer.list({}, { bytes: new Uint8Array(5 * 1024 * 1024) })),
    };
    const verify = verifier();
    for (const [reason, answer] of Object.entries(bad)) {
      issuer.answers[STATUS] = answer;
      expect(await refusal(verify(await issuer.token()))).toMatchObject({
        code: 'unavailable',
        status: 503,
        reason: `status_list_${reason}`,
      });
    }
    for (const [lst, bits] of [
      ['AAAA', 2],
      ['!', 2],
      ['eJxjYGBgAAAABAAB', 3],
    ] as const) {
      issuer.answers[STATUS] = async () =>
        asList(await issuer.list({}, { claims: { status_list: { bits, lst } } }));
      expect(await reasonOf(verify(await issuer.token()))).toBe('status_list_malformed');
    }
    delete issuer.answers[STATUS];
    expect(await refusal(verify(await issuer.token()))).toMatchObject({ code: 'unavailable' });
    expect(
      await reasonOf(
        verify(await issuer.token({ status: { status_list: { idx: 1, uri: 'http://evil.test/' } } })),
      ),
    ).toBe('status_list_answer');
    issuer.answers[STATUS] = async () => asList(await issuer.list({}));
    await verify(await issuer.token());
  });

  test('a token without one passes where it is optional; where it is off nobody is asked', async () => {
    await verifier({ statusList: 'optional' })(await issuer.token({ status: undefined }));
    issuer.answers[STATUS] = async () => asList(await issuer.list({ 7: 1 }));
    expect(await reasonOf(verifier({ statusList: 'optional' })(await issuer.token()))).toBe('revoked');
    const hits = issuer.hits[STATUS];
    await verifier({ statusList: 'off' })(await issuer.token());
    expect(issuer.hits[STATUS]).toBe(hits);
  });
});

describe('introspection instead', () => {
  test('refuses what is not active, and whatever it cannot find out', async () => {
    const token = await issuer.token();
    await verifier({ introspect: async () => ({ active: true }) })(token);
    expect(issuer.hits[STATUS]).toBeUndefined();
    expect(await reasonOf(verifier({ introspect: async () => ({ active: false }) })(token))).toBe('inactive');
    expect(
      await refusal(verifier({ introspect: () => Promise.reject(new Error('down')) })(token)),
    ).toMatchObject({ code: 'unavailable', reason: 'introspection' });
  });

  test('is not asked about a token that is not the issuer’s', async () => {
    const other = await generateKeyPair('ES256');
    let asked = 0;
    const verify = verifier({ introspect: async () => ({ active: (asked += 1) > 0 }) });
    await refusal(verify(await issuer.token({}, { key: other.privateKey })));
    expect(asked).toBe(0);
  });
});
