import type * as crypto from 'node:crypto';
import { generateKeyPairSync } from 'node:crypto';
import { eq } from 'drizzle-orm';
import type postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { agents } from '#domain/agent/tables.ts';
import { mandates } from '#domain/mandate/tables.ts';
import { people } from '#domain/person/tables.ts';
import { DEFAULT_SETTINGS } from '#domain/tenant/settings.ts';
import { tenants } from '#domain/tenant/tables.ts';
import { newId } from '#lib/id.ts';
import { openBareWorld } from '../../support/bare-world.ts';
import { clientAssertion, exchange, jws, nowSeconds, subjectToken } from '../../support/token-requests.ts';
import { withTokens, type Tenant, type TokenWorld } from '../../support/tokens.ts';

/** The work since the last look: signatures checked, by algorithm, and statements sent to the database. */
const work = vi.hoisted(() => ({ verified: [] as string[], statements: [] as string[] }));

vi.mock('node:crypto', async (original) => {
  const real = await original<typeof crypto>();
  const verify = (...of: Parameters<typeof real.verify>) => {
    const { asymmetricKeyType } = of[2] as { asymmetricKeyType?: string };
    work.verified.push(asymmetricKeyType === 'rsa' ? 'RS256' : 'ES256');
    return real.verify(...of);
  };
  return { ...real, default: { ...real, verify }, verify };
});
vi.mock('postgres', async (original) => {
  const { default: real } = await original<{ default: typeof postgres }>();
  const counting = (url: string, options: object) =>
    real(url, { ...options, debug: (_: number, text: string) => void work.statements.push(text) });
  return { default: Object.assign(counting, real) };
});

let world: TokenWorld;
let tenant: Tenant;
beforeAll(async () => {
  world = await withTokens(await openBareWorld());
  tenant = await world.tenant();
  await exchange(world, tenant);
});
afterAll(() => world.close());

type Change = Parameters<typeof exchange>[2];
/** Makes one request. Returns its answer and the work that it caused. */
async function workFor(change: Change) {
  const whole = {
    client_assertion: clientAssertion(tenant),
    subject_token: subjectToken(world, tenant),
    ...change,
  };
  work.verified.length = 0;
  work.statements.length = 0;
  const { status, body } = await exchange(world, tenant, whole);
  return {
    status,
    body,
    verified: [...work.verified].sort().join(' '),
    statements: work.statements.map((text) => text.replace(/\s+/g, ' ').trim()),
  };
}

describe('T17: a mandate of another person or agent', () => {
  /** Mandates that the client must know nothing about, and one that does not exist. */
  async function strangers(): Promise<Record<string, string>> {
    const [other, agentId, personId, row] = [
      await world.tenant(),
      newId('agt'),
      newId('usr'),
      { tenantId: tenant.id },
    ];
    const common = {
      ...row,
      scopes: ['okta.mfa.reset'],
      resources: [`reports:${tenant.personId}`],
      purpose: 'x',
      callId: newId('call'),
      startsAt: new Date(0),
      expiresAt: new Date(Date.now() + 1e7),
    };
    const [ofAgent, ofPerson] = [newId('mdt'), newId('mdt')];
    await world.write(tenant.id, async (ctx) => {
      await ctx.db
        .insert(agents)
        .values({ ...row, id: agentId, name: agentId, ownerId: tenant.personId, ceiling: common.scopes });
      await ctx.db.insert(people).values({
        ...row,
        id: personId,
        provider: 'okta',
        uid: personId,
        login: personId,
        email: `${personId}@acme.test`,
        displayName: 'Ann',
        status: 'ACTIVE',
      });
      await ctx.db.insert(mandates).values([
        { ...common, id: ofAgent, agentId, principalId: tenant.personId },
        { ...common, id: ofPerson, agentId: tenant.agentId, principalId: personId },
      ]);
    });
    return {
      'of another tenant': other.mandateId,
      'of another agent': ofAgent,
      'of another employee': ofPerson,
      'that is not there': newId('mdt'),
    };
  }

  test('T17: costs the same work as one that does not exist: statements, signatures, ledger lines', async () => {
    const asked: Change[] = [
      {},
      { scope: undefined },
      {
        authorization_details: JSON.stringify([
          { type: 'urn:prokura:mandate', resources: [`person:${newId('usr')}`] },
        ]),
      },
    ];
    for (const change of asked) {
      const done: Record<string, unknown> = {};
      const ids = await strangers();
      for (const [whose, mandate_id] of Object.entries(ids)) {
        const lines = (await world.ledgerOf(tenant.id)).length;
        const { status, body, verified, statements } = await workFor({ ...change, mandate_id });
        const written = (await world.ledgerOf(tenant.id))
          .slice(lines)
          .map(({ event, data }) => [event, data['reason']]);
        done[whose] = { status, body, verified, statements, written };
      }
      const nobody = done['that is not there'];
      expect(nobody).toMatchObject({
        body: { error: 'invalid_grant' },
        verified: 'ES256 RS256',
        statements: [expect.stringContaining('hot_mandates'), expect.stringContaining('ledger_batch')],
        written: [['TOKEN_REFUSED', 'no_such_mandate']],
      });
      for (const whose of Object.keys(ids)) expect([whose, done[whose]]).toEqual([whose, nobody]);
    }
  });

  test('T17: gets the same refusal when the agent has used up its exchanges for the subject', async () => {
    const { surface } = world.another({ exchangesPerMinute: 2 });
    const answers: Record<string, unknown> = {};
    for (const [whose, mandate_id] of Object.entries(await strangers())) {
      const some = [];
      for (let nth = 0; nth < 4; nth += 1)
        some.push((await exchange(world, tenant, { mandate_id }, surface)).status);
      answers[whose] = some;
    }
    for (const some of Object.values(answers)) expect(some).toEqual([400, 400, 400, 400]);
  });
});

describe('T40: a flood', () => {
  const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  /** A subject token whose signature is not its issuer's. */
  const forged = (claims: Record<string, unknown> = {}) => {
    const [, payload = ''] = subjectToken(world, tenant, claims).split('.');
    const read = JSON.parse(Buffer.from(payload, 'base64url').toString()) as unknown;
    return jws({ kid: world.idp.kid, alg: 'RS256' }, read, stranger);
  };
  /** Sends this many at once, and counts the signatures that were checked for all of them. */
  async function flood(count: number, change: () => NonNullable<Change>) {
    const changes = Array.from({ length: count }, () => ({
      client_assertion: clientAssertion(tenant),
      ...change(),
    }));
    work.verified.length = 0;
    const answers = await Promise.all(changes.map((one) => exchange(world, tenant, one)));
    const of = (alg: string) => work.verified.filter((one) => one === alg).length;
    return {
      statuses: [...new Set(answers.map(({ status }) => status))],
      RS256: of('RS256'),
      ES256: of('ES256'),
    };
  }
  const COUNT = 50;

  test('T40: of subject tokens with invalid signatures costs one RS256 check each, beside the client’s own', async () => {
    expect(await flood(COUNT, () => ({ subject_token: forged() }))).toEqual({
      statuses: [400],
      RS256: COUNT,
      ES256: COUNT,
    });
  });

  test('T40: of the wrong clients costs no check of a subject token, and none at all where the assertion names nobody’s key', async () => {
    const badly = () => clientAssertion(tenant).replace(/.{8}$/, 'AAAAAAAA');
    expect(await flood(COUNT, () => ({ client_assertion: badly(), subject_token: forged() }))).toEqual({
      statuses: [401],
      RS256: 0,
      ES256: COUNT,
    });
    const nobody = (): Tenant => ({ ...tenant, agentId: newId('agt') });
    for (const assertion of [
      () => clientAssertion(nobody()),
      () => clientAssertion(tenant, {}, { kid: 'unknown' }),
      () => clientAssertion(tenant, { aud: 'https://other.test' }),
      () => clientAssertion(tenant, { exp: nowSeconds() - 60 }),
      () => 'x.y.z',
    ])
      expect(await flood(COUNT, () => ({ client_assertion: assertion(), subject_token: forged() }))).toEqual({
        statuses: [401],
        RS256: 0,
        ES256: 0,
      });
  });

  test('T40: of expired tokens, or for others, costs no check of them', async () => {
    for (const claims of [
      { exp: nowSeconds() - 60 },
      { aud: 'https://other.test' },
      { iss: 'https://other.test' },
      { uid: undefined },
      { nonce: 'n' },
    ])
      expect(await flood(COUNT, () => ({ subject_token: subjectToken(world, tenant, claims) }))).toEqual({
        statuses: [400],
        RS256: 0,
        ES256: COUNT,
      });
  });

  test('T40: of good requests costs one check of each signature', async () => {
    expect(await flood(COUNT, () => ({ subject_token: subjectToken(world, tenant) }))).toEqual({
      statuses: [200],
      RS256: COUNT,
      ES256: COUNT,
    });
  });
});

test('T26: an exchange is two statements, the read and the ledger line, whether its subject token is good for one exchange or for many', async () => {
  const setOneTime = (scopes: string[]) =>
    world.write(tenant.id, (ctx) =>
      ctx.db
        .update(tenants)
        .set({ settings: { ...DEFAULT_SETTINGS, oneTimeScopes: scopes } })
        .where(eq(tenants.id, tenant.id)),
    );
  const two = [expect.stringContaining('hot_mandates'), expect.stringContaining('ledger_batch')];
  const subject_token = subjectToken(world, tenant);
  expect(await workFor({ subject_token })).toMatchObject({ status: 200, statements: two });
  await setOneTime(['okta.mfa.reset']);
  expect(await workFor({ subject_token })).toMatchObject({ status: 200, statements: two });
  expect(await workFor({ subject_token })).toMatchObject({ status: 400, statements: [...two, two[1]] });
  await setOneTime([]);
});
