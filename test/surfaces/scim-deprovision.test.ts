import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { approvals } from '#domain/approval/tables.ts';
import { calls } from '#domain/call/tables.ts';
import { mandates } from '#domain/mandate/tables.ts';
import { people } from '#domain/person/tables.ts';
import { openBareWorld } from '../support/bare-world.ts';
import { delegate, importPerson, oktaUser, withScim, type Client, type ScimWorld } from '../support/scim.ts';

const REASON = 'User deprovisioned via SCIM';
const patch = (...Operations: unknown[]) => ({
  schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
  Operations,
});

let world: ScimWorld;
/** The jobs of subscribers, by tenant. */
const told: { tenant: unknown; queue: string }[] = [];
beforeAll(async () => {
  world = withScim(await openBareWorld({ max: 5 }));
  const enqueue = async (_tx: unknown, queue: string, data: { tenant?: unknown }) =>
    void told.push({ tenant: data.tenant, queue });
  const enqueueAll = async (tx: unknown, queue: string, jobs: { data: object }[]) => {
    for (const { data } of jobs) await enqueue(tx, queue, data);
  };
  const subscribers = { 'mandate.revoked': ['of-mandates'], 'person.departed': ['of-people'] };
  Object.assign(world.app, { queue: { enqueue, enqueueAll }, subscribers });
});
afterAll(() => world.close());

/** A provisioned person with two mandates and a waiting call, in their own tenant. */
async function bob(settings = {}, source = 'okta') {
  const tenantId = await world.emptyTenant(settings);
  const client = await world.client(tenantId, source);
  const made = await client.send('POST', '/Users', oktaUser('bob'));
  const id = String(made.body['id']);
  const [person] = await world.write(tenantId, (ctx) =>
    ctx.db.select().from(people).where(eq(people.scimId, id)),
  );
  const personId = person!.id;
  const given = await world.write(tenantId, (ctx) => delegate(ctx, personId, 2));
  const look = () =>
    world.write(tenantId, async (ctx) => ({
      person: (await ctx.db.select().from(people).where(eq(people.id, personId)))[0]!,
      mandates: await ctx.db.select().from(mandates),
      call: (await ctx.db.select().from(calls))[0]!,
      approval: (await ctx.db.select().from(approvals))[0]!,
      told: told.flatMap(({ tenant, queue }) => (tenant === tenantId ? [queue] : [])).sort(),
    }));
  return { tenantId, client, id, personId, look, ...given };
}

async function revoked(one: Awaited<ReturnType<typeof bob>>, actor: string): Promise<void> {
  const after = await one.look();
  expect(after.person).toMatchObject({ scimActive: false, epoch: 1 });
  expect(after.mandates.map((mandate) => [mandate.state, mandate.reason])).toEqual([
    ['revoked', REASON],
    ['revoked', REASON],
  ]);
  expect(after.call.state).toBe('withdrawn');
  expect(after.approval.state).toBe('withdrawn');
  const entries = await world.ledgerOf(one.tenantId, 'MANDATE_REVOKED');
  expect(entries).toHaveLength(2);
  expect(entries.map((entry) => entry.data['mandate_id'])).toEqual(expect.arrayContaining(one.mandateIds));
  for (const entry of entries) expect(entry).toMatchObject({ actor, data: { reason: REASON } });
  const departures = await world.ledgerOf(one.tenantId, 'user_deactivated');
  expect(departures).toHaveLength(1);
  expect(departures[0]).toMatchObject({ actor, data: { person: one.personId, reason: REASON } });
  expect(after.told).toEqual(['of-mandates', 'of-mandates', 'of-people']);
}

const whole = (active: unknown) => ({ ...oktaUser('bob', { active }) });

describe('active:false ends everything in one transaction', () => {
  it.each([
    [
      'Okta OIN, PATCH without a path',
      'okta',
      (c: Client, id: string) =>
        c.send('PATCH', `/Users/${id}`, patch({ op: 'replace', value: { active: false } })),
    ],
    ['Okta AIW, PUT', 'okta', (c: Client, id: string) => c.send('PUT', `/Users/${id}`, whole(false))],
    [
      'Entra, capitalised op and a string',
      'entra',
      (c: Client, id: string) =>
        c.send('PATCH', `/Users/${id}`, patch({ op: 'Replace', path: 'active', value: 'False' })),
    ],
    [
      'Entra with aadOptscim062020',
      'entra',
      (c: Client, id: string) =>
        c.send('PATCH', `/Users/${id}`, patch({ op: 'replace', path: 'active', value: false })),
    ],
    [
      'Entra, PUT with a string',
      'entra',
      (c: Client, id: string) => c.send('PUT', `/Users/${id}`, whole('False')),
    ],
    [
      'core URN path',
      'okta',
      (c: Client, id: string) =>
        c.send(
          'PATCH',
          `/Users/${id}`,
          patch({ op: 'add', path: 'urn:ietf:params:scim:schemas:core:2.0:User:Active', value: 'FALSE' }),
        ),
    ],
  ] as const)('%s', async (_, source, deactivate) => {
    const one = await bob({}, source);
    const answer = await deactivate(one.client, one.id);
    expect(answer).toMatchObject({ status: 200, body: { active: false } });
    await revoked(one, `${source}:scim`);
    await deactivate(one.client, one.id);
    await revoked(one, `${source}:scim`);
    expect((await one.client.send('GET', `/Users/${one.id}`)).body['active']).toBe(false);
  });

  it('DELETE revokes, and the user is gone over SCIM but not from our rows', async () => {
    const one = await bob({ onDeactivate: 'freeze' });
    expect((await one.client.send('DELETE', `/Users/${one.id}`)).status).toBe(204);
    await revoked(one, 'okta:scim');
    expect((await one.look()).person).toMatchObject({ scimId: null, scimDoc: { externalId: '00ubob' } });
    for (const method of ['GET', 'DELETE'])
      expect((await one.client.send(method, `/Users/${one.id}`)).status).toBe(404);
  });

  it('freezes instead where the tenant chose so, and a later DELETE revokes what was frozen', async () => {
    const one = await bob({ onDeactivate: 'freeze' });
    await one.client.send('PATCH', `/Users/${one.id}`, patch({ op: 'replace', value: { active: false } }));
    expect((await one.look()).mandates.map((mandate) => mandate.state)).toEqual(['frozen', 'frozen']);
    await one.client.send('DELETE', `/Users/${one.id}`);
    expect((await one.look()).mandates.map((mandate) => mandate.state)).toEqual(['revoked', 'revoked']);
    expect(await world.ledgerOf(one.tenantId, 'user_deactivated')).toHaveLength(1);
  });

  it('departs a person of the directory whom the first POST calls inactive', async () => {
    const tenantId = await world.emptyTenant();
    const client = await world.client(tenantId);
    const personId = await world.write(tenantId, (ctx) => importPerson(ctx, '00ubob', 'bob@atko.com'));
    await world.write(tenantId, (ctx) => delegate(ctx, personId, 2));
    expect((await client.send('POST', '/Users', whole(false))).status).toBe(201);
    expect(await world.ledgerOf(tenantId, 'MANDATE_REVOKED')).toHaveLength(2);
  });

  it('rolls back as a whole: a change that is refused leaves every mandate as it was', async () => {
    const one = await bob();
    const answer = await one.client.send(
      'PATCH',
      `/Users/${one.id}`,
      patch({ op: 'replace', value: { active: false } }, { op: 'remove', path: 'userName' }),
    );
    expect(answer.status).toBe(400);
    const after = await one.look();
    expect(after.person).toMatchObject({ scimActive: true, epoch: 0 });
    expect(after.mandates.every((mandate) => mandate.state === 'active')).toBe(true);
  });
});

describe('coming back', () => {
  it('one who was attached by email, deleted and provisioned again is no twin', async () => {
    const tenantId = await world.emptyTenant();
    const client = await world.client(tenantId);
    await world.write(tenantId, (ctx) => importPerson(ctx, '00uimported', 'bob@atko.com'));
    const first = await client.send('POST', '/Users', whole(true));
    await client.send('DELETE', `/Users/${first.body['id']}`);
    expect((await client.send('POST', '/Users', whole(true))).status).toBe(201);
    const rows = await world.write(tenantId, (ctx) => ctx.db.select().from(people));
    expect(rows.map((row) => [row.uid, row.scimActive])).toEqual([['00uimported', true]]);
  });

  it.each([
    [
      'Okta reassigns with POST and the same externalId',
      (c: Client, _id: string) => c.send('POST', '/Users', whole(true)),
      201,
    ],
    [
      'PATCH active:true',
      (c: Client, id: string) =>
        c.send('PATCH', `/Users/${id}`, patch({ op: 'Replace', path: 'active', value: 'True' })),
      200,
    ],
    ['PUT', (c: Client, id: string) => c.send('PUT', `/Users/${id}`, whole(true)), 200],
  ] as const)('%s: the same record, and mandates stay revoked', async (_, comeBack, status) => {
    const one = await bob();
    await one.client.send('PATCH', `/Users/${one.id}`, patch({ op: 'replace', value: { active: false } }));
    expect(await comeBack(one.client, one.id)).toMatchObject({ status, body: { id: one.id, active: true } });
    const after = await one.look();
    expect(after.person).toMatchObject({ scimActive: true, epoch: 1 });
    expect(after.mandates.map((mandate) => mandate.state)).toEqual(['revoked', 'revoked']);
    expect(await world.ledgerOf(one.tenantId, 'user_reactivated')).toHaveLength(1);
  });

  it('a deleted user who is provisioned again is the same person with a new record', async () => {
    const one = await bob();
    await one.client.send('DELETE', `/Users/${one.id}`);
    const again = await one.client.send('POST', '/Users', whole(true));
    expect(again.status).toBe(201);
    expect(again.body['id']).not.toBe(one.id);
    const after = await one.look();
    expect(after.person).toMatchObject({ scimId: again.body['id'], scimActive: true });
    expect(after.mandates.map((mandate) => mandate.state)).toEqual(['revoked', 'revoked']);
  });

  it('somebody else with a former login is somebody else, and the former record makes room', async () => {
    const one = await bob();
    await one.client.send('PATCH', `/Users/${one.id}`, patch({ op: 'replace', value: { active: false } }));
    const next = await one.client.send('POST', '/Users', oktaUser('bob', { externalId: '00uanother' }));
    expect(next.status).toBe(201);
    expect(next.body['id']).not.toBe(one.id);
    expect((await one.look()).person).toMatchObject({ uid: '00ubob', scimActive: false, scimId: null });
    const found = await one.client.send('GET', '/Users?filter=userName%20eq%20%22bob%40atko.com%22');
    expect(found.body['Resources'].map((user: { id: string }) => user.id)).toEqual([next.body['id']]);
  });
});

it('answers 503 with Retry-After while the database is gone, and never 404', async () => {
  const own = withScim(await openBareWorld({ max: 5 }));
  try {
    const client = await own.client(await own.emptyTenant());
    const { body } = await client.send('POST', '/Users', oktaUser('down'));
    await own.databaseOpen(false);
    for (const [method, path, sent] of [
      ['GET', `/Users/${body['id']}`, undefined],
      ['GET', '/Users', undefined],
      ['PATCH', `/Users/${body['id']}`, patch({ op: 'replace', value: { active: false } })],
      ['DELETE', `/Users/${body['id']}`, undefined],
    ] as const) {
      const answer = await client.send(method, path, sent);
      expect(answer).toMatchObject({ status: 503, body: { status: '503' } });
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    }
  } finally {
    await own.close();
  }
});
