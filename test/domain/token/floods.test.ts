import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newId } from '#lib/id.ts';
import { openBareWorld } from '../../support/bare-world.ts';
import { clientAssertion, exchange, jws, nowSeconds, subjectToken } from '../../support/token-requests.ts';
import { withTokens, type Tenant, type TokenWorld } from '../../support/tokens.ts';

let world: TokenWorld;
let tenant: Tenant;
beforeAll(async () => {
  world = await withTokens(await openBareWorld());
  tenant = await world.tenant();
});
afterAll(() => world.close());

test('T26: one subject gets its share of exchanges in a minute and no more; others are not held up, and time gives it back', async () => {
  const { surface } = world.another({ exchangesPerMinute: 5 });
  const another = await world.tenant();
  const subject_token = subjectToken(world, tenant);
  const answers = await Promise.all(
    Array.from({ length: 12 }, () => exchange(world, tenant, { subject_token }, surface)),
  );
  const count = (status: number) => answers.filter((answer) => answer.status === status).length;
  expect([count(200), count(429)]).toEqual([5, 7]);
  const noted = (await world.ledgerOf(tenant.id)).filter(({ data }) => data['reason'] === 'subject_rate');
  expect(noted).toHaveLength(7);
  const refused = answers.find(({ status }) => status === 429);
  expect(refused?.headers.get('retry-after')).toBe('12');
  // Another token of the same person is the same subject.
  expect((await exchange(world, tenant, {}, surface)).status).toBe(429);
  expect((await exchange(world, another, {}, surface)).status).toBe(200);
  world.clock = Date.now() + 13_000;
  expect((await exchange(world, tenant, { subject_token }, surface)).status).toBe(200);
  expect((await exchange(world, tenant, { subject_token }, surface)).status).toBe(429);
  world.clock = null;
});

test('T40: the client comes first, then what is cheap of the subject, then its signature, then the database', async () => {
  const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  const forged = (claims: Record<string, unknown> = {}, kid = world.idp.kid) => {
    const [, payload = ''] = subjectToken(world, tenant, claims).split('.');
    return jws({ kid, alg: 'RS256' }, JSON.parse(Buffer.from(payload, 'base64url').toString()), stranger);
  };
  await exchange(world, tenant);
  const asked = { ...world.idp.asked };
  const [badClient, old] = [clientAssertion(tenant).replace(/.{8}$/, 'AAAAAAAA'), nowSeconds() - 60];
  const mandate_id = newId('mdt');
  const reasons: unknown[] = [];
  for (const change of [
    { client_assertion: badClient, subject_token: forged({ exp: old }, 'unknown'), mandate_id },
    { subject_token: forged({ exp: old }, 'unknown'), mandate_id },
    { subject_token: forged(), mandate_id },
    { mandate_id },
  ]) {
    expect((await exchange(world, tenant, change)).status).toBeGreaterThanOrEqual(400);
    reasons.push((await world.ledgerOf(tenant.id)).at(-1)?.data['reason']);
  }
  expect(reasons).toEqual(['client_signature', 'subject_expired', 'subject_signature', 'no_such_mandate']);
  // Neither the stranger nor the expired token made us ask the provider for a key.
  expect(world.idp.asked).toEqual(asked);
});
