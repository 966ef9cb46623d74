import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DEFAULT_SETTINGS } from '#domain/tenant/settings.ts';
import { tenants } from '#domain/tenant/tables.ts';
import { newId } from '#lib/id.ts';
import { openBareWorld } from '../support/bare-world.ts';
import { clientAssertion, exchange, subjectToken } from '../support/token-requests.ts';
import { withTokens, type Tenant, type TokenWorld } from '../support/tokens.ts';
import { ACCESS_TOKEN, nextAgent, tokenOf } from '../support/oauth-parties.ts';

/** A scope for which a subject token can be exchanged only once, and one without that limit. */
const [HIGH, LOW] = ['okta.mfa.reset', 'okta.password.reset'];

let world: TokenWorld;
let tenant: Tenant;
beforeAll(async () => {
  world = await withTokens(await openBareWorld());
  tenant = await oneTimeTenant();
});
afterAll(() => world.close());

async function oneTimeTenant(): Promise<Tenant> {
  const made = await world.tenant();
  const settings = { ...DEFAULT_SETTINGS, oneTimeScopes: [HIGH] };
  await world.write(made.id, (ctx) =>
    ctx.db.update(tenants).set({ settings }).where(eq(tenants.id, made.id)),
  );
  return made;
}
type Change = Parameters<typeof exchange>[2];
const ask = async (change: Change, of = tenant) => {
  const { status, body } = await exchange(world, of, { scope: HIGH, ...change });
  return status === 200 ? 'token' : `${String(body['error'])}: ${await reason(of)}`;
};
const reason = async (of: Tenant) => (await world.ledgerOf(of.id)).at(-1)?.data['reason'] as string;
const REPLAYED = 'invalid_request: subject_replayed';

test('T26: of ten exchanges at once of one subject token for a one-time scope, in two processes, one succeeds; the others are refused and say so', async () => {
  const own = await oneTimeTenant();
  const { surface } = world.another();
  const subject_token = subjectToken(world, own);
  const answers = await Promise.all(
    Array.from({ length: 10 }, (_, nth) =>
      exchange(world, own, { scope: HIGH, subject_token }, nth % 2 === 0 ? surface : world.surface),
    ),
  );
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  for (const { body } of answers.filter(({ status }) => status !== 200)) {
    expect(body).toMatchObject({
      error: 'invalid_request',
      error_description: expect.stringMatching(/^subject_token: .*single-use.*new one/) as string,
    });
    expect(body).not.toHaveProperty('access_token');
  }
  const lines = await world.ledgerOf(own.id);
  expect(lines.filter(({ event }) => event === 'TOKEN_ISSUED')).toHaveLength(1);
  expect(lines.filter(({ data }) => data['reason'] === 'subject_replayed')).toHaveLength(9);
});

test('T26: only what gave a token of a one-time scope uses the subject token up: neither refusals nor other scopes do', async () => {
  const subject_token = subjectToken(world, tenant);
  expect(await ask({ subject_token, scope: `${HIGH} okta.suspend` })).toBe('invalid_scope: scope');
  expect(await ask({ subject_token, mandate_id: newId('mdt') })).toBe('invalid_grant: no_such_mandate');
  for (const scope of [LOW, LOW]) expect(await ask({ subject_token, scope })).toBe('token');
  // Asks for everything in the mandate, which includes the one-time scope.
  expect(await ask({ subject_token, scope: undefined })).toBe('token');
  expect(await ask({ subject_token })).toBe(REPLAYED);
  expect(await ask({ subject_token, scope: LOW })).toBe('token');
  // Another token of the same person counts separately, and another organisation has its own settings.
  expect(await ask({})).toBe('token');
  const plain = await world.tenant();
  const there = subjectToken(world, plain);
  expect([await ask({ subject_token: there }, plain), await ask({ subject_token: there }, plain)]).toEqual([
    'token',
    'token',
  ]);
});

test('T26: all that an exchange uses up is used up together, or none of it: assertion and subject token', async () => {
  const [subject_token, client_assertion] = [subjectToken(world, tenant), clientAssertion(tenant)];
  expect(await ask({ client_assertion, scope: LOW })).toBe('token');
  expect(await ask({ client_assertion, subject_token })).toBe('invalid_client: assertion_replayed');
  expect(await ask({ subject_token })).toBe('token');
  // Refusing the subject token uses up the assertion, as every refusal does.
  const fresh = clientAssertion(tenant);
  expect(await ask({ client_assertion: fresh, subject_token })).toBe(REPLAYED);
  expect(await ask({ client_assertion: fresh })).toBe('invalid_client: assertion_replayed');
});

test('T26: of ten uses at once of one assertion with ten subject tokens, in two processes, one uses up its own, and nine are as good as before', async () => {
  const own = await oneTimeTenant();
  const client_assertion = clientAssertion(own);
  const tokens = Array.from({ length: 10 }, () => subjectToken(world, own));
  const { surface } = world.another();
  const answers = await Promise.all(
    tokens.map((subject_token, nth) =>
      exchange(
        world,
        own,
        { scope: HIGH, client_assertion, subject_token },
        nth % 2 === 0 ? surface : world.surface,
      ),
    ),
  );
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  const after = [];
  for (const subject_token of tokens) after.push(await ask({ subject_token }, own));
  expect(after.map((one) => (one === 'token' ? 401 : 200))).toEqual(answers.map(({ status }) => status));
});

test('T26: without a jti, the token is known by what is signed, however its signature is written', async () => {
  const subject_token = subjectToken(world, tenant, { jti: undefined });
  expect(await ask({ subject_token })).toBe('token');
  // The last base64url character of 256 bytes has four unused bits.
  const respelt = `${subject_token.slice(0, -1)}${String.fromCharCode(subject_token.charCodeAt(subject_token.length - 1) + 1)}`;
  expect(Buffer.from(respelt.split('.')[2] ?? '', 'base64url')).toEqual(
    Buffer.from(subject_token.split('.')[2] ?? '', 'base64url'),
  );
  expect([await ask({ subject_token }), await ask({ subject_token: respelt })]).toEqual([REPLAYED, REPLAYED]);
});

test('T26: it is remembered until the token has ended, and forgotten then', async () => {
  const own = await oneTimeTenant();
  const exp = Math.floor(Date.now() / 1000) + 600;
  expect(await ask({ subject_token: subjectToken(world, own, { exp }) }, own)).toBe('token');
  const rows = await world.sql<{ expires_at: Date }[]>`
    select expires_at from replays where tenant_id = ${own.id} order by expires_at`;
  expect(rows.map(({ expires_at: at }) => at.getTime() / 1000).at(-1)).toBe(exp + 5);
});

test('T26: a delegation token that is handed on for a one-time scope is good for one exchange too', async () => {
  const own = await oneTimeTenant();
  const next = await nextAgent(world, own);
  const subject_token = await tokenOf(world, own);
  const pass = () => ask({ subject_token, subject_token_type: ACCESS_TOKEN }, next);
  expect([await pass(), await pass()]).toEqual(['token', REPLAYED]);
});
