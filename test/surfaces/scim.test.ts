import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { groupMappings, groups, memberships } from '#domain/group/tables.ts';
import { people } from '#domain/person/tables.ts';
import { newId } from '#lib/id.ts';
import { openBareWorld } from '../support/bare-world.ts';
import { importPerson, oktaUser, withScim, type Client, type ScimWorld } from '../support/scim.ts';

const CORE = 'urn:ietf:params:scim:schemas:core:2.0:User';
const ENT = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const OURS = 'urn:mandaitor:scim:1.0:User';
const LIST = 'urn:ietf:params:scim:api:messages:2.0:ListResponse';
const ERROR = 'urn:ietf:params:scim:api:messages:2.0:Error';
const patch = (...Operations: unknown[]) => ({
  schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
  Operations,
});

let world: ScimWorld;
let okta: Client;
let entra: Client;

beforeAll(async () => {
  world = withScim(await openBareWorld({ max: 5 }));
  const tenantId = await world.emptyTenant();
  okta = await world.client(tenantId);
  entra = await world.client(tenantId, 'entra');
  await okta.send('POST', '/Users', oktaUser('seed'));
});
afterAll(() => world.close());

const row = async (scimId: string) =>
  (
    await world.write(okta.tenantId, (ctx) => ctx.db.select().from(people).where(eq(people.scimId, scimId)))
  )[0]!;
const make = async (client: Client, name: string, more = {}): Promise<string> => {
  const made = await client.send('POST', '/Users', oktaUser(name, more));
  expect(made.status).toBe(201);
  return String(made.body['id']);
};

describe("Okta's SPEC suite", () => {
  let id = '';
  const user = oktaUser('Runscope123', { userName: 'runscope123@atko.com' });
  /** Makes the user, unless the step before has. */
  const there = () => okta.send('POST', '/Users', user);
  beforeAll(async () => {
    const { body } = await okta.send('GET', '/Users?count=1&startIndex=1');
    id = body['Resources'][0].id;
  });

  it('1 lists a user with every member that Okta reads, and whole numbers', async () => {
    const { status, body } = await okta.send('GET', '/Users?count=1&startIndex=1');
    expect(status).toBe(200);
    expect(body).toMatchObject({
      schemas: [LIST],
      itemsPerPage: 1,
      startIndex: 1,
      totalResults: expect.any(Number),
    });
    expect(body['Resources'][0]).toMatchObject({
      id: expect.stringMatching(/^scim_/),
      name: { familyName: 'Runscope', givenName: 'seed' },
      userName: 'seed@atko.com',
      active: true,
      emails: [{ value: 'seed@atko.com' }],
    });
  });
  it('2 gets a user by id', async () => {
    const { status, body, headers } = await okta.send('GET', `/Users/${id}`);
    expect(status).toBe(200);
    expect(body).toMatchObject({ id, active: true, emails: [{ value: 'seed@atko.com' }] });
    expect(headers.get('content-type')).toContain('application/scim+json');
  });
  it.each(['abcdefgh@atko.com', 'runscope123@atko.com'])(
    '3, 5 finds nobody by the unknown user name %s',
    async (name) => {
      const { status, body } = await okta.send(
        'GET',
        `/Users?filter=${encodeURIComponent(`userName eq "${name}"`)}`,
      );
      expect(status).toBe(200);
      expect(body).toMatchObject({ schemas: [LIST], totalResults: 0, Resources: [] });
    },
  );
  it.each(['010101001010101011001010101011', '00919288221112222'])(
    '4, 12 answers 404 with a SCIM Error for the id %s',
    async (missing) => {
      const { status, body } = await okta.send('GET', `/Users/${missing}`);
      expect(status).toBe(404);
      expect(body).toMatchObject({ schemas: [ERROR], status: '404', detail: expect.stringMatching(/./) });
    },
  );
  it('6, 7 makes a user from application/json, and gets it', async () => {
    const made = await okta.send('POST', '/Users', user, { 'content-type': 'application/json' });
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({
      active: true,
      userName: user['userName'],
      name: user['name'],
      schemas: expect.arrayContaining([CORE]),
    });
    expect(made.headers.get('location')).toBe(made.body['meta'].location);
    expect((await okta.send('GET', `/Users/${made.body['id']}`)).body).toEqual(made.body);
    expect(JSON.stringify(await row(made.body['id']))).not.toContain(user['password']);
  });
  it('8 refuses the same user again with 409 uniqueness', async () => {
    await there();
    expect(await okta.send('POST', '/Users', user)).toMatchObject({
      status: 409,
      body: { status: '409', scimType: 'uniqueness' },
    });
  });
  it('9 finds the user by the user name in capitals', async () => {
    await there();
    const { body } = await okta.send('GET', '/Users?filter=userName%20eq%20%22RUNSCOPE123%40ATKO.COM%22');
    expect(body['totalResults']).toBe(1);
  });
  it('11 answers 401 with a SCIM Error to a token that is none', async () => {
    const { status, body } = await okta.send('GET', '/Users', undefined, { authorization: 'non-token' });
    expect(status).toBe(401);
    expect(body).toMatchObject({ schemas: [ERROR], status: '401', detail: expect.stringMatching(/./) });
  });
});

describe('who a SCIM user is', () => {
  it('takes the provider from the connection and the uid from externalId', async () => {
    const id = await make(okta, 'subject');
    expect((await okta.send('GET', `/Users/${id}`)).body[OURS]).toEqual({
      identityProvider: 'OKTA',
      providerUid: '00usubject',
      delegationAuthority: [],
    });
    expect(await row(id)).toMatchObject({
      provider: 'okta',
      uid: '00usubject',
      status: 'ACTIVE',
      scimActive: true,
    });
    expect(await world.ledgerOf(okta.tenantId, 'user_provisioned')).toContainEqual(
      expect.objectContaining({
        actor: 'okta:scim',
        data: expect.objectContaining({ subject: 'oidc:okta:00usubject' }),
      }),
    );
  });
  it('lets the client name the subject itself, once', async () => {
    const id = await make(entra, 'named', { [OURS]: { identityProvider: 'ENTRA', providerUid: 'oid-1' } });
    expect(await row(id)).toMatchObject({ provider: 'entra', uid: 'oid-1' });
    const again = await entra.send(
      'PATCH',
      `/Users/${id}`,
      patch({ op: 'replace', path: `${OURS}:providerUid`, value: 'oid-2' }),
    );
    expect(again).toMatchObject({ status: 400, body: { scimType: 'mutability' } });
  });
  it.each([
    ['by the same subject', 'twin1', '00utwin1', 'other1@atko.com'],
    ['by the only equal email', 'twin2', '00uelse', 'TWIN2@atko.com'],
  ])('gives a person of the directory their record %s, and makes no twin', async (_, name, uid, email) => {
    const personId = await world.write(okta.tenantId, (ctx) => importPerson(ctx, uid, email));
    const id = await make(okta, name);
    expect(await row(id)).toMatchObject({ id: personId, uid });
  });
  it('shows the authority that groups give, and lets nobody set it', async () => {
    const id = await make(okta, 'boss');
    const person = await row(id);
    const groupId = newId('grp');
    await world.write(okta.tenantId, async (ctx) => {
      const tenantId = ctx.tenantId;
      await ctx.db
        .insert(groups)
        .values({ tenantId, id: groupId, source: 'okta', uid: 'g1', name: 'Managers', kind: 'OKTA_GROUP' });
      await ctx.db.insert(memberships).values({ tenantId, groupId, personId: person.id });
      await ctx.db.insert(groupMappings).values({
        tenantId,
        id: newId('map'),
        source: 'okta',
        groupUid: 'g1',
        role: 'manager',
        scopes: ['okta.password.reset', 'okta.mfa.reset'],
      });
    });
    const scopes = ['okta.mfa.reset', 'okta.password.reset'];
    // Often enough that PostgreSQL switches a prepared statement to its generic plan, which must see the
    // tenant too.
    for (let time = 0; time < 15; time += 1) {
      expect((await okta.send('GET', `/Users/${id}`)).body[OURS].delegationAuthority).toEqual(scopes);
    }
    const found = await okta.send(
      'GET',
      `/Users?filter=${encodeURIComponent(`${OURS}:delegationAuthority eq "okta.mfa.reset"`)}`,
    );
    expect(found.body['Resources'].map((one: { id: string }) => one.id)).toEqual([id]);
    expect(found.body['Resources'][0][OURS].delegationAuthority).toEqual(scopes);
    expect(
      (
        await okta.send(
          'PATCH',
          `/Users/${id}`,
          patch({ op: 'add', path: `${OURS}:delegationAuthority`, value: ['root'] }),
        )
      ).body['scimType'],
    ).toBe('mutability');
  });
  it("resolves the manager, as an object or as Entra's bare string, and clears it", async () => {
    const [boss, worker] = [await make(entra, 'mgr'), await make(entra, 'wrk')];
    const bossRow = await row(boss);
    await entra.send('PATCH', `/Users/${worker}`, patch({ op: 'Add', path: `${ENT}:manager`, value: boss }));
    expect((await row(worker)).managerId).toBe(bossRow.id);
    expect((await entra.send('GET', `/Users/${worker}`)).body[ENT].manager).toEqual({ value: boss });
    await entra.send(
      'PATCH',
      `/Users/${worker}`,
      patch({ op: 'Replace', path: `${ENT}:manager`, value: '' }),
    );
    expect((await row(worker)).managerId).toBeNull();
    await entra.send(
      'PATCH',
      `/Users/${worker}`,
      patch({ op: 'Add', path: 'manager', value: [{ $ref: `../Users/${boss}`, value: boss }] }),
    );
    expect((await row(worker)).managerId).toBe(bossRow.id);
  });
});

describe('filters and pages', () => {
  it.each([
    ['userName sw O-nobody or externalId eq 00useed', 1],
    ['emails[type eq "work"].value eq "SEED@atko.com"', 1],
    ['emails[type eq "home" and value eq "seed@atko.com"]', 0],
    ['externalId eq "00USEED"', 0],
    ['(ActiVe eq true) and not (userName ne "seed@atko.com")', 1],
    [
      'active eq "True" and name.givenName eq "SEED" and meta.created gt 2015-10-10T14:38:21.8617979-07:00',
      1,
    ],
    ['title pr and userName eq "seed@atko.com"', 0],
    ['emails pr and not (title pr) and userName eq "seed@atko.com"', 1],
    ['userName co "%" or userName co "_"', 0],
    [`userName eq "x' or '1'='1"`, 0],
    [`${OURS}:identityProvider eq okta and ${OURS}:providerUid eq "00useed"`, 1],
    [`schemas eq "${OURS}" and locale eq "EN-us" and userName ew "D@ATKO.COM" and userName sw "see"`, 1],
  ])('%s finds %i', async (filter, found) => {
    const { status, body } = await okta.send('GET', `/Users?filter=${encodeURIComponent(filter)}`);
    expect(status).toBe(200);
    expect(body['totalResults']).toBe(found);
    expect(body['Resources']).toHaveLength(found);
  });
  it.each([
    'nonsense eq "x"',
    'userName eq',
    'active gt true',
    'emails[nope eq "x"]',
    'userName eq "a" and',
    'name eq "x"',
    'password pr',
    'meta.created eq "soon"',
    'urn:x:y:z eq "1"',
  ])('refuses %s as invalidFilter', async (filter) => {
    expect(await okta.send('GET', `/Users?filter=${encodeURIComponent(filter)}`)).toMatchObject({
      status: 400,
      body: { scimType: 'invalidFilter' },
    });
  });
  it('pages in a stable order, takes 0 for 1, a negative count for none, and ignores unknown parameters', async () => {
    const all = (await okta.send('GET', '/Users?startIndex=0&aadOptscim062020')).body;
    expect(all).toMatchObject({ startIndex: 1, itemsPerPage: all['totalResults'] });
    const second = (await okta.send('GET', '/Users?startIndex=2&count=1')).body;
    expect(second['Resources']).toEqual([all['Resources'][1]]);
    expect((await okta.send('GET', '/Users?count=-5')).body).toMatchObject({
      itemsPerPage: 0,
      totalResults: all['totalResults'],
    });
    expect((await okta.send('GET', '/Users?count=many')).status).toBe(400);
  });
  it('cuts to attributes and excludedAttributes, and always shows id and schemas', async () => {
    const id = await make(okta, 'cut');
    const some = (
      await okta.send('GET', `/Users/${id}?attributes=userName,name.givenName,${OURS}:providerUid`)
    ).body;
    expect(some).toEqual({
      schemas: expect.any(Array),
      id,
      userName: 'cut@atko.com',
      name: { givenName: 'cut' },
      [OURS]: { providerUid: '00ucut' },
    });
    const rest = (await okta.send('GET', `/Users/${id}?excludedAttributes=id,emails.type,name`)).body;
    expect(rest).toMatchObject({ id, emails: [{ primary: true, value: 'cut@atko.com' }] });
    expect(rest['name']).toBeUndefined();
  });
});

describe('changes as vendors send them', () => {
  it('Entra: folds capitalised operations, dotted and URN keys, value paths that fit nothing yet, and scalars in lists', async () => {
    const id = await make(entra, 'entra1');
    const { status, body } = await entra.send(
      'PATCH',
      `/Users/${id}?aadOptscim062020`,
      patch(
        {
          op: 'replace',
          value: {
            DisplayName: 'Bjfe',
            'name.givenName': 'Kkom',
            'name.familyName': 'Unua',
            [`${ENT}:employeeNumber`]: 'Aklq',
          },
        },
        { op: 'Replace', path: 'emails[type eq "work"].value', value: 'new@atko.com' },
        { op: 'Add', path: 'phoneNumbers[type eq "mobile"].value', value: '+49 30 1' },
        { op: 'Add', path: 'addresses[type eq "work"].postalCode', value: 10115 },
        { op: 'Add', path: 'roles[primary eq "True"].value', value: 'admin' },
        { op: 'Replace', path: 'nickName', value: ['Babs'] },
      ),
    );
    expect(status).toBe(200);
    expect(body).toMatchObject({
      displayName: 'Bjfe',
      name: { givenName: 'Kkom', familyName: 'Unua' },
      nickName: 'Babs',
      [ENT]: { employeeNumber: 'Aklq' },
      emails: [{ type: 'work', value: 'new@atko.com', primary: true }],
      phoneNumbers: [{ type: 'mobile', value: '+49 30 1' }],
      addresses: [{ type: 'work', postalCode: '10115' }],
      roles: [{ primary: true, value: 'admin' }],
    });
    expect(await row(id)).toMatchObject({ email: 'new@atko.com', firstName: 'Kkom', employeeNumber: 'Aklq' });
  });
  it('Entra: an empty list of operations, and a repeated one, change nothing, not even the version', async () => {
    const id = await make(entra, 'noop');
    const one = patch({ op: 'Replace', path: 'title', value: 'CFO' });
    await entra.send('PATCH', `/Users/${id}`, one);
    await entra.send('PATCH', `/Users/${id}`, one);
    const { status, body } = await entra.send('PATCH', `/Users/${id}`, patch());
    expect(status).toBe(200);
    expect(body['meta'].version).toBe('W/"2"');
  });
  it('Okta: PUT of the whole resource with its echoes replaces it, and keeps active where it is absent', async () => {
    const id = await make(okta, 'puts', { title: 'Clerk', nickName: 'P' });
    const whole = (await okta.send('GET', `/Users/${id}`)).body;
    const { title: _title, active: _active, ...rest } = whole;
    const put = await okta.send('PUT', `/Users/${id}?`, {
      ...rest,
      groups: [],
      nickName: 'Q',
      emails: [{ ...whole['emails'][0], display: 'mine' }],
    });
    expect(put.body).toMatchObject({ id, active: true, nickName: 'Q', emails: [{ display: 'mine' }] });
    expect(put.body['title']).toBeUndefined();
    await okta.send('PUT', `/Users/${id}`, { ...rest, active: false });
    expect((await okta.send('PUT', `/Users/${id}`, rest)).body['active']).toBe(false);
  });
  it('OneLogin: legacy schema URNs in PUT are no obstacle', async () => {
    const id = await make(okta, 'one');
    const put = await okta.send('PUT', `/Users/${id}?`, {
      schemas: ['urn:scim:schemas:core:1.0'],
      userName: 'one@atko.com',
      [CORE]: { nickName: 'uno' },
    });
    expect(put).toMatchObject({ status: 200, body: { nickName: 'uno' } });
  });
  it('a new primary clears the old, a removed value goes alone, an id echo passes and another id does not', async () => {
    const id = await make(okta, 'prim');
    const added = await okta.send(
      'PATCH',
      `/Users/${id}`,
      patch(
        { op: 'replace', value: { id, displayName: 'Prim' } },
        { op: 'add', path: 'emails', value: [{ value: 'b@atko.com', type: 'home', primary: true }] },
      ),
    );
    expect(added.body['emails']).toEqual([
      expect.objectContaining({ primary: false }),
      { value: 'b@atko.com', type: 'home', primary: true },
    ]);
    const removed = await okta.send(
      'PATCH',
      `/Users/${id}`,
      patch({ op: 'Remove', path: 'emails', value: [{ value: 'b@atko.com' }] }),
    );
    expect(removed.body['emails']).toHaveLength(1);
    expect(
      (await okta.send('PATCH', `/Users/${id}`, patch({ op: 'replace', value: { id: 'other' } }))).body[
        'scimType'
      ],
    ).toBe('mutability');
  });
  it.each([
    [{ op: 'replace', path: 'nope', value: 1 }, 'invalidPath'],
    [{ op: 'replace', path: '__proto__.polluted', value: 1 }, 'invalidPath'],
    [{ op: 'replace', path: 'constructor.prototype.polluted', value: 1 }, 'invalidPath'],
    [{ op: 'remove' }, 'noTarget'],
    [{ op: 'remove', path: 'userName' }, 'mutability'],
    [{ op: 'replace', path: 'active', value: 'perhaps' }, 'invalidValue'],
    [{ op: 'replace', path: 'emails[value co "zzz"].type', value: 'work' }, 'noTarget'],
    [{ op: 'move', path: 'title' }, 'invalidSyntax'],
    [{ op: 'replace', path: 'title', value: 'nul\0' }, 'invalidValue'],
  ])('refuses %j as %s, and changes nothing', async (operation, scimType) => {
    const { body } = await okta.send('GET', '/Users?filter=externalId%20eq%20%2200useed%22');
    const seed = body['Resources'][0];
    const answer = await okta.send(
      'PATCH',
      `/Users/${seed.id}`,
      patch({ op: 'replace', path: 'title', value: 'changed' }, operation),
    );
    expect(answer).toMatchObject({ status: 400, body: { scimType, status: '400' } });
    expect((await okta.send('GET', `/Users/${seed.id}`)).body).toEqual(seed);
  });
  it('never reaches a prototype through member names', async () => {
    const id = await make(okta, 'proto');
    const body =
      '{"Operations":[{"op":"add","value":{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"name":{"__proto__":{"polluted":1},"givenName":"ok"}}}]}';
    expect((await okta.send('PATCH', `/Users/${id}`, body)).body['name']).toMatchObject({ givenName: 'ok' });
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    expect(JSON.stringify(await row(id))).not.toContain('polluted');
  });
  it('honours If-Match and If-None-Match', async () => {
    const id = await make(okta, 'etag');
    const change = patch({ op: 'replace', path: 'title', value: 'x' });
    expect(
      (await okta.send('PATCH', `/Users/${id}`, change, { 'if-match': 'W/"1"' })).headers.get('etag'),
    ).toBe('W/"2"');
    expect((await okta.send('PATCH', `/Users/${id}`, change, { 'if-match': 'W/"1"' })).status).toBe(412);
    expect((await okta.send('GET', `/Users/${id}`, undefined, { 'if-none-match': 'W/"2"' })).status).toBe(
      304,
    );
  });
  it('loses nothing of fifty concurrent changes', async () => {
    const id = await make(okta, 'fifty');
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, n) =>
        okta.send('PATCH', `/Users/${id}`, patch({ op: 'add', path: 'roles', value: [{ value: `r${n}` }] })),
      ),
    );
    expect(answers.every((one) => one.status === 200)).toBe(true);
    expect((await okta.send('GET', `/Users/${id}`)).body['roles']).toHaveLength(50);
    expect((await row(id)).version).toBe(51);
  });
  it('makes one user of ten concurrent equal requests', async () => {
    const answers = await Promise.all(
      Array.from({ length: 10 }, () =>
        okta.send('POST', '/Users', oktaUser('race', { externalId: undefined })),
      ),
    );
    expect(answers.filter((one) => one.status === 201)).toHaveLength(1);
    expect(answers.filter((one) => one.status === 409)).toHaveLength(9);
  });
});

describe('the SCIM interface', () => {
  it('says what it can do, under the base and its alias, and describes every attribute', async () => {
    const config = (await okta.send('GET', '/scim/v2/ServiceProviderConfig')).body;
    expect(config).toMatchObject({
      patch: { supported: true },
      bulk: { supported: false },
      sort: { supported: false },
      etag: { supported: true },
    });
    const types = (await okta.send('GET', '/ResourceTypes')).body;
    expect(types['Resources'].map((one: { id: string }) => one.id)).toEqual(['User']);
    const schemas = (await okta.send('GET', '/Schemas')).body;
    expect(schemas).toMatchObject({ schemas: [LIST], totalResults: 3 });
    expect(JSON.stringify(schemas)).not.toContain('null');
    expect(
      (await okta.send('GET', `/Schemas/${OURS}`)).body['attributes'].map(
        (one: { name: string }) => one.name,
      ),
    ).toEqual(['identityProvider', 'providerUid', 'delegationAuthority']);
  });
  it.each([
    ['GET', '/Groups', undefined, 404],
    ['DELETE', '/Users', undefined, 405],
    ['POST', '/Schemas', {}, 405],
    ['POST', '/Users', '{"userName":', 400],
    ['POST', '/Users', [], 400],
    ['POST', '/Users', { userName: '' }, 400],
    ['POST', '/Users', { userName: 'x', active: 'maybe' }, 400],
    ['POST', '/Users', JSON.stringify({ userName: 'x', title: 'x'.repeat(1024 * 1024) }), 413],
    ['GET', '/Users/%00', undefined, 404],
    ['DELETE', '/Users/%00', undefined, 404],
  ])('answers %s %s with the SCIM Error %#', async (method, path, body, status) => {
    const answer = await okta.send(method, path, body);
    expect(answer).toMatchObject({ status, body: { schemas: [ERROR], status: String(status) } });
  });
  it('refuses other content types, keys without the scope, and leaves other paths alone', async () => {
    expect((await okta.send('POST', '/Users', '<user/>', { 'content-type': 'text/xml' })).status).toBe(415);
    expect(
      (await (await world.client(okta.tenantId, 'okta', ['introspect'])).send('GET', '/Users')).status,
    ).toBe(403);
    await expect(okta.send('GET', '/scimitar')).rejects.toThrow('not SCIM');
  });
  it("keeps tenants apart: another tenant's user is 404 for every verb, and its name is free", async () => {
    const other = await world.client(await world.emptyTenant());
    const id = await make(okta, 'mine');
    for (const method of ['GET', 'DELETE'])
      expect((await other.send(method, `/Users/${id}`)).status).toBe(404);
    expect(
      (await other.send('PATCH', `/Users/${id}`, patch({ op: 'replace', path: 'active', value: false })))
        .status,
    ).toBe(404);
    expect((await other.send('GET', '/Users')).body['totalResults']).toBe(0);
    expect((await other.send('POST', '/Users', oktaUser('mine'))).status).toBe(201);
    expect((await okta.send('GET', `/Users/${id}`)).body['active']).toBe(true);
  });
});
