import { desc, eq } from 'drizzle-orm';
import { decodeProtectedHeader } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { people } from '#domain/person/tables.ts';
import { createSigningKey } from '#domain/token/keys/signing-keys.ts';
import { signingKeys } from '#domain/token/tables.ts';
import { BASE, openBareWorld } from '../../support/bare-world.ts';
import { exchange, jws, nowSeconds, subjectToken } from '../../support/token-requests.ts';
import { withTokens, type Tenant, type TokenWorld } from '../../support/tokens.ts';

const MCP = `${BASE}/mcp`;
let world: TokenWorld;
beforeAll(async () => {
  world = await withTokens(await openBareWorld());
});
afterAll(() => world.close());

const issue = async (tenant: Tenant) => String((await exchange(world, tenant)).body['access_token']);

test('verify takes nothing but our own access tokens, unchanged and in time', async () => {
  const tenant = await world.tenant();
  const token = await issue(tenant);
  const [head, body, tail] = token.split('.') as [string, string, string];
  const decoded = JSON.parse(Buffer.from(body, 'base64url').toString()) as Record<string, unknown>;
  const changed = Buffer.from(JSON.stringify({ ...decoded, scope: 'everything' })).toString('base64url');
  const forged = jws({ typ: 'at+jwt', alg: 'RS256', kid: 'okta-1' }, decoded, world.idp.privateKey);
  const other = await world.tenant();
  const moved = Buffer.from(JSON.stringify({ ...decoded, iss: other.issuer })).toString('base64url');
  for (const bad of [
    '',
    'x',
    `${head}.${changed}.${tail}`,
    `${head}.${moved}.${tail}`,
    `${head}.${body}.`,
    forged,
    subjectToken(world, tenant),
    `${token} `,
    `${body}.${body}.${tail}`,
  ]) {
    await expect(world.kernel.verify(bad, MCP)).rejects.toMatchObject({ code: 'unauthenticated' });
  }
  await expect(world.kernel.verify(token, `${BASE}/v1`)).rejects.toMatchObject({
    detail: { reason: 'audience' },
  });
  world.clock = Date.now() + 302_000;
  expect(await world.kernel.verify(token, MCP)).toBeDefined();
  world.clock = Date.now() + 306_000;
  await expect(world.kernel.verify(token, MCP)).rejects.toMatchObject({ detail: { reason: 'expired' } });
  world.clock = Date.now() - 10_000;
  await expect(world.kernel.verify(token, MCP)).rejects.toMatchObject({
    detail: { reason: 'not_yet_valid' },
  });
  world.clock = null;
});

test('a retired signing key ends its tokens within the half minute that keys are kept', async () => {
  const tenant = await world.tenant();
  const token = await issue(tenant);
  await world.write(tenant.id, (ctx) => ctx.db.update(signingKeys).set({ retiredAt: ctx.now }));
  world.clock = Date.now() + 31_000;
  await expect(world.kernel.verify(token, MCP)).rejects.toMatchObject({ detail: { reason: 'key_unknown' } });
  world.clock = null;
});

test('verifySubject finds the person of a provider token, with the scopes that it carries', async () => {
  const tenant = await world.tenant();
  expect(
    await world.kernel.verifySubject(tenant.id, subjectToken(world, tenant, { scp: ['delegation:read'] })),
  ).toEqual({
    personId: tenant.personId,
    provider: 'okta',
    boundTo: null,
    uid: tenant.uid,
    subject: `oidc:okta:${tenant.uid}`,
    scopes: ['delegation:read'],
    clientId: '0oaclient',
    groups: ['Everyone'],
    token: expect.stringMatching(/^http\S+ AT\.\S+$/) as string,
    issuedAt: expect.any(Number),
    expiresAt: expect.any(Number),
  });
  await expect(
    world.kernel.verifySubject(tenant.id, subjectToken(world, tenant, { uid: '00unobody' })),
  ).rejects.toMatchObject({ detail: { reason: 'person_unknown' } });
  await expect(
    world.kernel.verifySubject(tenant.id, subjectToken(world, tenant, { exp: nowSeconds() - 60 })),
  ).rejects.toMatchObject({ detail: { reason: 'expired' } });
  await world.write(tenant.id, (ctx) => ctx.db.update(people).set({ held: true }));
  await expect(world.kernel.verifySubject(tenant.id, subjectToken(world, tenant))).rejects.toMatchObject({
    code: 'unauthenticated',
  });
});

test('T7: a new signing key signs from the next reading on, and tokens of the old one hold until it is retired', async () => {
  const tenant = await world.tenant();
  const old = await issue(tenant);
  world.clock = Date.now() + 1000;
  await world.write(tenant.id, (ctx) => createSigningKey(ctx, world.app.secrets));
  world.clock = Date.now() + 32_000;
  const fresh = await issue(tenant);
  expect(decodeProtectedHeader(fresh)['kid']).not.toBe(decodeProtectedHeader(old)['kid']);
  expect(await world.kernel.verify(old, MCP)).toBeDefined();
  expect(await world.another().kernel.verify(fresh, MCP)).toBeDefined();
  const { keys } = await world.kernel.jwks(tenant.id);
  expect(keys.map((key) => key['kid'])).toEqual([
    decodeProtectedHeader(fresh)['kid'],
    decodeProtectedHeader(old)['kid'],
  ]);
  const rows = await world.app.database.sql`select count(*)::int as seen from signing_keys`;
  expect(rows[0]).toEqual({ seen: 0 });
  world.clock = null;
});

test('the private half of a signing key is sealed where it lies', async () => {
  const tenant = await world.tenant();
  let sealed = '';
  await world.write(tenant.id, async (ctx) => {
    const [row] = await ctx.db
      .select()
      .from(signingKeys)
      .where(eq(signingKeys.tenantId, tenant.id))
      .orderBy(desc(signingKeys.createdAt));
    sealed = row!.sealedPrivateKey;
    expect(JSON.stringify(row!.publicJwk)).not.toContain('"d"');
    expect(() => world.app.secrets.unseal(sealed, 'signing-key:other')).toThrow(/authenticate/);
    expect(world.app.secrets.unseal(sealed, `signing-key:${row!.kid}`)).toContain('PRIVATE KEY');
  });
  expect(sealed).not.toContain('PRIVATE KEY');
});

test('outside of a sandbox the keys of the issuer that the settings name are read wherever it is, and those of others at public addresses only', async () => {
  const tenant = await world.tenant();
  const token = subjectToken(world, tenant);
  const guarded = world.another({ loopbackKeys: false }).kernel;
  await expect(guarded.verifySubject(tenant.id, token)).rejects.toMatchObject({ code: 'unavailable' });
  const elsewhere = world.another({ loopbackKeys: false, operatorIssuers: ['https://acme.okta.com'] }).kernel;
  await expect(elsewhere.verifySubject(tenant.id, token)).rejects.toMatchObject({ code: 'unavailable' });
  const trusting = world.another({ loopbackKeys: false, operatorIssuers: [world.idp.issuer] }).kernel;
  expect(await trusting.verifySubject(tenant.id, token)).toMatchObject({ personId: tenant.personId });
});
