import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createApiKey } from '#domain/tenant/api-key.ts';
import { transact } from '#engine/transact.ts';
import { syncDirectory } from '#jobs/sync-directory.ts';
import { samplePerson } from '#sandbox/company.ts';
import { eventually, openWorld, type World } from '../support/world.ts';
import { send, type Answer } from '../support/identity-providers.ts';

const CORE = 'urn:ietf:params:scim:schemas:core:2.0:User';
const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const OURS = 'urn:mandaitor:scim:1.0:User';
const LOOKS = 8;

let world: World;
let okta: string;
let entra: string;
beforeAll(async () => {
  world = await openWorld();
  const key = async (source: string) =>
    (
      await transact(world.app, world.tenantId, (ctx) =>
        createApiKey(ctx, 'sandbox', { name: `${source} SCIM`, scopes: ['scim'], source }),
      )
    ).presented;
  [okta, entra] = [await key('okta'), await key('entra')];
});
afterAll(() => world.close());

const scim = (key: string, method: string, path: string, body?: unknown): Promise<Answer> =>
  send(world, method, `/v1/scim/v2${path}`, key, body);
const user = (email: string, more: Record<string, unknown> = {}) => ({
  schemas: [CORE, ENTERPRISE, OURS],
  userName: email,
  active: true,
  emails: [{ value: email, type: 'work', primary: true }],
  ...more,
});
const patch = (value: Record<string, unknown>) => ({
  schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
  Operations: [{ op: 'replace', value }],
});
const subject = (key: string) => ({
  [OURS]: { identityProvider: 'OKTA', providerUid: samplePerson(key).oktaId },
});
const email = (key: string): string => samplePerson(key).email;
const row = async (key: string) => {
  const { login, email, managerId, scimActive, scimId, provider, status } = await world.person(key);
  return { login, email, managerId, scimActive, scimId, provider, status };
};
/** The SCIM id of a person of Okta's, provisioned with Okta's key. */
const provisioned = async (key: string): Promise<string> => {
  const made = await scim(okta, 'POST', '/Users', user(email(key), { externalId: samplePerson(key).oktaId }));
  expect(made.status).toBe(201);
  return String(made.body['id']);
};
const refused = async () =>
  (await world.ledger('provisioning_refused')).map(({ actor, data }) => ({ actor, ...data }));
const agreed = async (input: Record<string, unknown>): Promise<void> => {
  const asked = await world.as(await world.actor('dana'), 'provider_link', input);
  if (asked.status !== 'waiting') throw new Error(`not waiting: ${JSON.stringify(asked)}`);
  await world.vote('ivan', asked.approvalId);
  await eventually(
    async () =>
      (await world.sql`select 1 from calls where id = ${asked.callId} and state = 'succeeded'`).length > 0,
    'the sources are linked',
  );
};
const types = async (who: string, text: string): Promise<string> =>
  (await world.slack.as(who).types(text)).ephemerals.at(-1)?.text ?? '';

describe('a key of one source and the people of another', () => {
  test.each([
    ['by subject', 403, () => user('someone@acme.example', subject('carl'))],
    [
      'by subject, with a manager',
      403,
      () => user(email('carl'), { ...subject('carl'), ...managedBy('bob') }),
    ],
    ['by user name', 409, () => user(email('carl').toUpperCase(), { emails: [], externalId: 'e-1' })],
    [
      'by mail',
      409,
      () => user('other@acme.example', { emails: [{ value: email('carl') }], externalId: 'e-2' }),
    ],
    ['by its external id', 409, () => user(email('carl'), { externalId: samplePerson('carl').oktaId })],
  ])('are not taken over %s: %i, and the ledger says it', async (_, status, body) => {
    const before = await row('carl');
    const answer = await scim(entra, 'POST', '/Users', body());
    expect(answer).toMatchObject({ status, body: { status: String(status) } });
    expect(answer.body['scimType']).toBe(status === 409 ? 'uniqueness' : undefined);
    expect(answer.body['detail']).toMatch(/provider_link/);
    expect(await row('carl')).toEqual(before);
    expect(await world.sql`select 1 from people where provider <> 'okta'`).toHaveLength(0);
    expect((await refused()).at(-1)).toMatchObject({
      actor: 'entra:scim',
      method: 'POST',
      code: status === 403 ? 'forbidden' : 'conflict',
      source: 'okta',
    });
  });

  test('are not there for it: every verb is 404, lists and filters leave them out, and they stay as they are', async () => {
    const id = await provisioned('dana');
    const before = await row('dana');
    const { epoch } = await world.person('dana');
    for (const [method, body] of [
      ['GET', undefined],
      ['PUT', user('carl@acme.example', managedBy('carl'))],
      ['PATCH', patch({ active: false })],
      ['PATCH', patch({ [ENTERPRISE]: { manager: { value: samplePerson('carl').oktaId } } })],
      ['DELETE', undefined],
    ] as const)
      expect([method, (await scim(entra, method, `/Users/${id}`, body)).status]).toEqual([method, 404]);
    expect((await scim(entra, 'GET', '/Users')).body['totalResults']).toBe(0);
    const filter = encodeURIComponent(`userName eq "${email('dana')}"`);
    expect((await scim(entra, 'GET', `/Users?filter=${filter}`)).body['totalResults']).toBe(0);
    expect((await scim(okta, 'GET', `/Users?filter=${filter}`)).body['totalResults']).toBe(1);
    expect((await scim(okta, 'GET', `/Users/${id}`)).status).toBe(200);
    expect(await row('dana')).toEqual(before);
    expect(before).toMatchObject({ scimActive: true, scimId: id });
    expect((await world.person('dana')).epoch).toBe(epoch);
    const dana = (await world.person('dana')).id;
    expect((await refused()).slice(-4)).toEqual(
      ['PUT', 'PATCH', 'PATCH', 'DELETE'].map((method) =>
        expect.objectContaining({
          actor: 'entra:scim',
          method,
          code: 'not_found',
          source: 'okta',
          person: dana,
        }),
      ),
    );
  });

  test('keep their names: its own people cannot be given one, and are deactivated all the same', async () => {
    const made = await scim(entra, 'POST', '/Users', user('eve@acme.example', { externalId: 'e-eve' }));
    expect(made.status).toBe(201);
    const path = `/Users/${String(made.body['id'])}`;
    for (const [method, body] of [
      ['PATCH', patch({ emails: [{ value: email('dana'), type: 'work', primary: true }] })],
      ['PATCH', patch({ userName: email('dana') })],
      ['PUT', user(email('dana'))],
    ] as const)
      expect(await scim(entra, method, path, body)).toMatchObject({
        status: 409,
        body: { scimType: 'uniqueness' },
      });
    expect(await types('dana', '/okta find ann')).toContain('People · ');
    expect((await scim(entra, 'PATCH', path, patch({ active: false }))).status).toBe(200);
    expect((await scim(entra, 'DELETE', path)).status).toBe(204);
  });

  test('two sources that take one address at the same moment: one has it', async () => {
    const name = 'twin@acme.example';
    let settled!: Promise<Answer[]>;
    await world.sql.begin(async (sql) => {
      await sql`select pg_advisory_xact_lock(hashtextextended(${`scim:${world.tenantId}:${name}`}, 0))`;
      settled = Promise.all([
        scim(
          okta,
          'POST',
          '/Users',
          user('twin.okta@acme.example', { emails: [{ value: name }], externalId: 'o-twin' }),
        ),
        scim(
          entra,
          'POST',
          '/Users',
          user('twin.entra@acme.example', { emails: [{ value: name }], externalId: 'e-twin' }),
        ),
      ]);
      await eventually(
        async () =>
          (
            await world.sql`select 1 from pg_locks where locktype = 'advisory' and not granted
            and database = (select oid from pg_database where datname = current_database())`
          ).length === 2,
        'both wait for the address',
      );
    });
    expect((await settled).map(({ status }) => status).sort((a, b) => a - b)).toEqual([201, 409]);
    expect(await world.sql`select 1 from people where email = ${name}`).toHaveLength(1);
  });

  test('a manager who fits several people of the source is nobody', async () => {
    const number = (value: string) => ({ [ENTERPRISE]: { employeeNumber: value } });
    for (const name of ['m1', 'm2'])
      await scim(
        entra,
        'POST',
        '/Users',
        user(`${name}@acme.example`, { externalId: name, ...number('77') }),
      );
    const made = await scim(
      entra,
      'POST',
      '/Users',
      user('report@acme.example', { externalId: 'report', [ENTERPRISE]: { manager: { value: '77' } } }),
    );
    expect(made.status).toBe(201);
    expect(
      await world.sql`select manager_ref, manager_id from people where login = 'report@acme.example'`,
    ).toEqual([{ manager_ref: '77', manager_id: null }]);
  });
});

describe('an address that the directory has changed', () => {
  test("an account that was somebody else's until then is not taken for the person: Carl's never becomes Erin", async () => {
    const [carl, erin] = [await provisioned('carl'), await provisioned('erin')];
    const old = email('carl');
    expect((await scim(okta, 'PUT', `/Users/${carl}`, user('someone@acme.example'))).status).toBe(200);
    expect((await scim(okta, 'PUT', `/Users/${erin}`, user(old))).status).toBe(200);
    for (const text of ['/okta reset multi-factor nina@acme.example', '/mandate list'])
      expect(await types('carl', text)).toMatch(/has changed/);
    expect((await world.ledger('identity_refused')).at(-1)?.data).toMatchObject({ code: 'email_changed' });
    expect(
      await world.sql`select 1 from slack_accounts where person_id = ${(await world.person('erin')).id}`,
    ).toEqual([]);
  });

  test('by the import too; an IT admin links them again, and capitals are no change', async () => {
    const profile = world.okta.org.users.get(samplePerson('nina').oktaId)!.profile;
    const sync = () => syncDirectory(world.app, world.tenantId);
    profile['email'] = 'NINA@acme.example';
    await sync();
    expect((await world.person('nina')).emailChangedAt).toBeNull();
    profile['email'] = 'nina.new@acme.example';
    await sync();
    await world.slack.setEmail('nina', 'nina.new@acme.example');
    expect(await types('nina', '/okta find ann')).toMatch(/has changed/);
    const outcome = await world.as(await world.actor('dana'), 'account_relink', {
      person: 'nina.new@acme.example',
    });
    expect(outcome).toMatchObject({ status: 'done' });
    expect(await types('nina', '/okta find ann')).toContain('People · ');
  });
});

describe('a source that is linked to the people of another', () => {
  test('linking takes two IT admins', async () => {
    const input = { source: 'entra', people_of: 'okta' };
    expect(await world.as(await world.actor('carl'), 'provider_link', input)).toMatchObject({
      status: 'denied',
    });
    await expect(
      world.as(await world.actor('dana'), 'provider_link', { source: 'okta', people_of: 'okta' }),
    ).rejects.toMatchObject({ code: 'invalid_input' });
    await agreed(input);
    expect((await world.ledger('sources_linked')).at(-1)?.data).toMatchObject({ ...input, linked: true });
  });

  test('sees them, but their profile is what their own source says', async () => {
    const id = await provisioned('faye');
    const before = await row('faye');
    for (let look = 0; look < LOOKS; look += 1)
      expect((await scim(entra, 'GET', `/Users/${id}`)).status).toBe(200);
    const filter = encodeURIComponent(`userName eq "${email('faye')}"`);
    expect((await scim(entra, 'GET', `/Users?filter=${filter}`)).body['totalResults']).toBe(1);
    const put = await scim(
      entra,
      'PUT',
      `/Users/${id}`,
      user('someone.else@acme.example', { externalId: 'x', title: 'CEO', ...managedBy('bob') }),
    );
    expect(put).toMatchObject({ status: 200, body: { userName: before.login, active: true } });
    expect(put.body['title']).toBe((await world.person('faye')).title ?? undefined);
    for (const change of [
      { userName: 'someone.else@acme.example' },
      { emails: [{ value: 'someone.else@acme.example', primary: true }] },
      { externalId: 'x' },
      managedBy('bob'),
    ])
      expect(await scim(entra, 'PATCH', `/Users/${id}`, patch(change))).toMatchObject({
        status: 400,
        body: { scimType: 'mutability' },
      });
    expect((await refused()).at(-1)).toMatchObject({
      code: 'invalid_input',
      source: 'okta',
      method: 'PATCH',
    });
    expect(await row('faye')).toEqual(before);
    expect((await world.person('faye')).scimDoc).toMatchObject({ externalId: samplePerson('faye').oktaId });
  });

  test('gives a person of the directory a record, and makes nobody', async () => {
    const before = await row('mona');
    const made = await scim(
      entra,
      'POST',
      '/Users',
      user('someone.else@acme.example', { ...subject('mona'), ...managedBy('bob') }),
    );
    expect(made).toMatchObject({ status: 201, body: { userName: before.login } });
    expect(await row('mona')).toEqual({ ...before, scimActive: true, scimId: made.body['id'] });
    const unknown = { [OURS]: { identityProvider: 'OKTA', providerUid: '00unobody' } };
    expect((await scim(entra, 'POST', '/Users', user('nobody@acme.example', unknown))).status).toBe(403);
  });

  test('deactivates whatever came with it, deletes, and is linked in one direction until the link is taken away', async () => {
    const id = await provisioned('ann');
    const leaving = await scim(entra, 'PATCH', `/Users/${id}`, patch({ active: false, title: 'Former' }));
    expect(leaving).toMatchObject({ status: 200, body: { active: false } });
    expect((await world.person('ann')).title).not.toBe('Former');
    expect((await world.ledger('user_deactivated')).at(-1)).toMatchObject({ actor: 'entra:scim' });
    expect((await scim(entra, 'DELETE', `/Users/${id}`)).status).toBe(204);
    const [own] = await world.sql<
      { scim_id: string }[]
    >`select scim_id from people where login = 'm1@acme.example'`;
    expect((await scim(okta, 'GET', `/Users/${own!.scim_id}`)).status).toBe(404);
    await agreed({ source: 'entra', people_of: 'okta', linked: false });
    const { scimId } = await world.person('mona');
    for (const method of ['GET', 'DELETE'])
      expect((await scim(entra, method, `/Users/${scimId}`)).status).toBe(404);
    expect((await world.person('mona')).scimActive).toBe(true);
  });
});

function managedBy(key: string) {
  return { [ENTERPRISE]: { manager: { value: samplePerson(key).oktaId } } };
}
