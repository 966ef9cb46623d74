import { afterAll, beforeAll, expect, test } from 'vitest';
import { newId } from '#lib/id.ts';
import { BASE, openBareWorld } from '../../support/bare-world.ts';
import {
  clientAssertion,
  exchange,
  exchangeForm,
  nowSeconds,
  post,
  refusal,
} from '../../support/token-requests.ts';
import { withTokens, type Tenant, type TokenWorld } from '../../support/tokens.ts';

let world: TokenWorld;
let tenant: Tenant;
beforeAll(async () => {
  world = await withTokens(await openBareWorld());
  tenant = await world.tenant();
});
afterAll(() => world.close());
const refused = (change: Parameters<typeof refusal>[2]) => refusal(world, tenant, change);
const as = (claims: Record<string, unknown>, header: Record<string, unknown> = {}) => ({
  client_assertion: clientAssertion(tenant, claims, header),
});

test('an assertion that is not exactly for this issuer, this client and this minute is refused', async () => {
  const now = nowSeconds();
  const wrong: [Record<string, unknown>, Record<string, unknown>?][] = [
    [{ aud: [tenant.issuer] }],
    [{ aud: `${tenant.issuer}/oauth2/token` }],
    [{ aud: `${tenant.issuer}/` }],
    [{ aud: BASE }],
    [{ iss: 'x' }],
    [{ sub: newId('agt') }],
    [{ exp: now - 6 }],
    [{ exp: now + 400 }],
    [{ exp: undefined }],
    [{ iat: now + 10 }],
    [{ nbf: now + 10 }],
    [{ jti: undefined }],
    [{ jti: 'x' }],
    [{}, { kid: undefined }],
    [{}, { kid: 'other' }],
    [{}, { alg: 'RS256' }],
    [{}, { alg: 'none' }],
    [{}, { typ: 'at+jwt' }],
    [{}, { typ: 'dpop+jwt' }],
  ];
  for (const [claims, header] of wrong)
    expect(await refused(as(claims, header))).toMatch(/^401 invalid_client: /);
  expect(await refused({ client_assertion: undefined })).toMatch(/^401 invalid_client: /);
  expect(await refused({ client_assertion: undefined, client_secret: 'x' })).toMatch(/^401 invalid_client: /);
  expect(await refused({ client_assertion_type: 'urn:x' })).toMatch(/^401 invalid_client: /);
  expect(await refused({ client_id: newId('agt') })).toMatch(/^401 invalid_client: /);
  const other = await world.tenant();
  expect(await refused({ client_assertion: clientAssertion(other, { aud: tenant.issuer }) })).toMatch(
    /^401 invalid_client: /,
  );
  expect(
    await refused({
      client_assertion: clientAssertion({ ...other, agentId: tenant.agentId, issuer: tenant.issuer }),
    }),
  ).toMatch(/^401 invalid_client: /);
  const form = exchangeForm(world, tenant, { client_assertion: undefined, client_assertion_type: undefined });
  const basic = await post(world.surface, `${tenant.issuer}/oauth2/token`, form, {
    authorization: 'Basic YTpi',
  });
  expect(basic).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
  expect(basic.headers.get('www-authenticate')).toMatch(/^Basic /);
});

test('T24: of ten uses at once of one assertion, in two processes, one succeeds; a refused use spends it too', async () => {
  const other = world.another();
  const client_assertion = clientAssertion(tenant);
  const answers = await Promise.all(
    Array.from({ length: 10 }, (_, n) =>
      exchange(world, tenant, { client_assertion }, n % 2 === 0 ? world.surface : other.surface),
    ),
  );
  expect(answers.map((answer) => answer.status).sort((a, b) => a - b)).toEqual([200, ...Array(9).fill(401)]);
  const spent = clientAssertion(tenant);
  expect(await refused({ client_assertion: spent, scope: 'nothing' })).toMatch(/^400 invalid_scope: /);
  expect(await refused({ client_assertion: spent })).toMatch(/^401 invalid_client: .*already used/);
});
