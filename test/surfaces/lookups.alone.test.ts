import type postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { groupsByName } from '#domain/group/store.ts';
import { createApiKey } from '#domain/tenant/api-key.ts';
import { readonly, transact } from '#engine/transact.ts';
import { loadCrowd } from '../support/many.ts';
import type { SimView } from '#sandbox/slack/index.ts';
import type { RunPlan } from '../support/plans.ts';
import { withScim, type Client } from '../support/scim.ts';
import { eventually, openWorld, type TestAgent, type World } from '../support/world.ts';

/**
 * What names something is looked up in an index, behind row-level security too: these tests read the plans of
 * the very statements that the server sends, as it sends them.
 */

const heard = vi.hoisted(() => ({ plans: [] as RunPlan[] }));
vi.mock('postgres', async (original) => {
  const [{ default: real }, { explaining }] = await Promise.all([
    original<{ default: typeof postgres }>(),
    import('../support/plans.ts'),
  ]);
  return { default: explaining(real, (plan) => void heard.plans.push(plan)) };
});

/** The tables of the crowd. A plan that looks at every row of one costs more in a larger company. */
const CROWDED = ['people', 'person_words', 'agents', 'groups', 'memberships', 'mandates', 'oidc_models'];
const PEOPLE = 6000;

let world: World;
let scim: Client;
let agent: TestAgent;
let mandateId: string;
beforeAll(async () => {
  world = await openWorld();
  // Jobs read what they like; here only what people and programs wait for is looked at.
  Object.assign(world.app, { subscribers: {} });
  agent = await world.agent('Known-Bot', 'bob');
  mandateId = await world.mandate('bob', agent);
  scim = await withScim(world).client(world.tenantId);
  await loadCrowd(world, {
    name: 'crowd',
    people: PEOPLE,
    each: 2,
    agent: agent.id,
    role: 'crowd_role',
    scope: 'okta.users.read',
  });
  const { sql, tenantId } = world;
  await sql`update people set scim_id = 'scim_' || uid, scim_active = true, scim_doc = jsonb_build_object('externalId', uid),
      employee_number = 'E' || uid, display_name = 'Ærlend Member ' || uid
     where tenant_id = ${tenantId} and uid like 'crowd%'`;
  await sql`insert into agents (tenant_id, id, name, owner_id, ceiling)
    select tenant_id, 'agt_' || uid, 'Bot-' || uid, id, '{}' from people where tenant_id = ${tenantId} and uid like 'crowd%'`;
  await sql`insert into groups (tenant_id, id, source, uid, name, kind)
    select ${tenantId}, 'grp_many' || n, 'okta', 'many' || n, 'Team ' || n, 'OKTA_GROUP' from generate_series(1, 4000) n`;
  await sql`insert into oidc_models (tenant_id, kind, id, payload)
    select ${tenantId}, 'Grant', 'grant' || uid, jsonb_build_object('accountId', 'oidc:okta:' || uid, 'clientId', 'somebody')
      from people where tenant_id = ${tenantId} and uid like 'crowd%'`;
  await sql.unsafe('vacuum (analyze)');
}, 180_000);
afterAll(() => world.close());

/** What the act had the database read through, as table: statement. */
async function readThrough(act: () => Promise<unknown>): Promise<string[]> {
  const from = heard.plans.length;
  await act();
  // The act did reach the database through a driver that explains.
  await eventually(async () => heard.plans.length > from, 'a statement is explained');
  return heard.plans
    .slice(from)
    .flatMap(({ text, readThrough: tables }) =>
      tables
        .filter((table) => CROWDED.includes(table))
        .map((table) => `${table}: ${text.replaceAll(/\s+/g, ' ')}`),
    );
}

const users = (filter: string) => async () => {
  const answer = await scim.send('GET', `/Users?filter=${encodeURIComponent(filter)}`);
  expect(answer).toMatchObject({ status: 200, body: { totalResults: 1 } });
};

/** What the menu of people offers Dana after she has typed this. */
async function peopleOffered(query: string): Promise<string[]> {
  const dana = world.slack.as('dana');
  view ??= await eventually(
    async () => (await dana.types('/okta reset password')).view ?? dana.modal(),
    'a form',
  );
  const options = await dana.choosesOption(view, 'field.person', query);
  // Whatever goes wrong leaves a menu empty, too.
  expect(world.logs.filter(({ msg }) => msg === 'slack: a menu stays empty')).toEqual([]);
  return options.map((option) => option.text);
}
let view: SimView | undefined;

describe('nothing is read through', () => {
  test('by a check of another system that names an agent and a person', async () => {
    const { presented } = await transact(world.app, world.tenantId, (ctx) =>
      createApiKey(ctx, 'sandbox', { name: 'payments', scopes: ['verify'] }),
    );
    const check = async () => {
      const response = await fetch(`${world.url}/v1/verify`, {
        method: 'POST',
        headers: { authorization: `Bearer ${presented}`, 'content-type': 'application/json' },
        body: JSON.stringify({
          agent: 'KNOWN-bot',
          principal: (await world.person('bob')).email.toUpperCase(),
          action: 'okta.users.read',
          resource: '*',
        }),
      });
      expect(await response.json()).toMatchObject({ mandate_id: mandateId });
    };
    expect(await readThrough(check)).toEqual([]);
  });

  test.each([
    'userName eq "CROWD17@crowd.example"',
    'userName sw "Crowd4711@"',
    'externalId eq "crowd17"',
    'active eq true and userName eq "crowd17@crowd.example"',
  ])('by SCIM for %s', async (filter) => {
    expect(await readThrough(users(filter))).toEqual([]);
  });

  test('by SCIM for the authority of people on the pages before', async () => {
    const from = heard.plans.length;
    const answer = await scim.send('GET', `/Users?startIndex=${PEOPLE - 50}&count=20`);
    expect(answer.body['Resources']).toHaveLength(20);
    const looks = await eventually(
      async () => heard.plans.slice(from).find((plan) => plan.looks['group_mappings'] !== undefined)?.looks,
      'the page is explained',
    );
    expect(looks['memberships']).toBeLessThanOrEqual(20);
  });

  test('by SCIM to provision a person with a manager, to rename, to deactivate and to delete them', async () => {
    const send = async (method: string, path: string, body?: unknown) => {
      const answer = await scim.send(method, path, body);
      expect(answer.status).toBeLessThan(300);
      return answer.body;
    };
    const operate = (path: string, value: unknown) => ({
      schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
      Operations: [{ op: 'replace', path, value }],
    });
    const whole = async () => {
      const { id } = await send('POST', '/Users', {
        schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
        userName: 'new@crowd.example',
        externalId: 'new',
        emails: [{ value: 'new@crowd.example', primary: true }],
        'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User': {
          manager: { value: 'CROWD12@crowd.example' },
        },
      });
      const [row] =
        await world.sql`select m.uid from people p join people m on m.id = p.manager_id where p.scim_id = ${id}`;
      expect(row).toEqual({ uid: 'crowd12' });
      await send('PATCH', `/Users/${id}`, operate('userName', 'newer@crowd.example'));
      await send('PATCH', `/Users/${id}`, operate('active', false));
      await scim.send('DELETE', `/Users/${id}`);
    };
    expect(await readThrough(whole)).toEqual([]);
  });

  test('by a menu of people in Slack, after each letter that is typed', async () => {
    const typing = async () => {
      for (const query of ['me', 'member', 'member crowd47', 'crowd4711@'])
        expect(await peopleOffered(query)).not.toEqual([]);
    };
    expect(await readThrough(typing)).toEqual([]);
  });

  test('by a tool that names a person, an agent or a group', async () => {
    const dana = await world.actor('dana');
    const done = expect.objectContaining({ status: 'done' });
    const asks = async () => {
      const input = { person: 'Crowd17@crowd.example' };
      expect(await world.as(dana, 'explain_access', { tool: 'okta_reset_mfa', input })).toEqual(done);
      expect(await world.as(dana, 'agent_show', { agent: 'known-BOT' })).toEqual(done);
      expect(await world.as(dana, 'freeze_preview', { target: 'Crowd17@crowd.example' })).toEqual(done);
      expect(await world.as(dana, 'client_list', { person: 'Crowd17@crowd.example' })).toEqual(done);
      const named = await readonly(world.app, world.tenantId, (reader) =>
        groupsByName(reader, { name: 'TEAM 17', source: null }, 2),
      );
      expect(named).toEqual([expect.objectContaining({ uid: 'many17' })]);
    };
    expect(await readThrough(asks)).toEqual([]);
  });

  test('by a token exchange, whose reading is planned once on a connection', async () => {
    const exchanges = async () => {
      for (let n = 1; n <= 12; n += 1) await world.token(agent, 'bob', mandateId);
    };
    const from = heard.plans.length;
    expect(await readThrough(exchanges)).toEqual([]);
    const reads = heard.plans.slice(from).filter(({ text }) => text.includes("'mandate_epoch', m.epoch"));
    expect(reads.length).toBeGreaterThanOrEqual(12);
    expect(reads.filter(({ generic }) => !generic)).toEqual([]);
  });
});

describe('the menu of people finds a person', () => {
  const named = async (name: string, rest: { login?: string; status?: string } = {}) => {
    const uid = `named${(named.count += 1)}`;
    await world.sql`insert into people (tenant_id, id, provider, uid, login, email, display_name, status)
      values (${world.tenantId}, ${`usr_${uid}`}, 'okta', ${uid}, ${rest.login ?? uid}, ${`${uid}@names.example`}, ${name}, ${rest.status ?? 'ACTIVE'})`;
    return `usr_${uid}`;
  };
  named.count = 0;

  test.each([
    ['Anna  Maria Weiß-Åkesson', ['anna maria', 'MARIA WEIß', 'weiß-å']],
    ['Δημήτριος Παπαδόπουλος', ['ΔΗΜΉΤΡΙΟΣ', 'παπαδ', 'ΠΑΠΑΔΌΠΟΥΛΟΣ']],
    ['山田 太郎', ['山田', '太郎', '山田 太']],
    ['محمد الأحمد', ['محمد', 'الأح']],
    ['100%_sure Person', ['100%_', '100%_sure p']],
  ])('by each word of %s, in any case', async (name, queries) => {
    await named(name);
    const shown = name.replaceAll(/\s+/g, ' ');
    for (const query of queries) {
      const found = (await peopleOffered(query)).map((text) => text.replaceAll(/\s+/g, ' '));
      expect({ query, found }).toEqual({ query, found: expect.arrayContaining([shown]) });
    }
  });

  test('whose name has 200 characters, by any of its words', async () => {
    const name = Array.from({ length: 25 }, (_, n) => `Word${String(n + 10)}X`)
      .join(' ')
      .slice(0, 200);
    await named(name);
    for (const query of ['word10x', 'word29x word30x'])
      expect((await peopleOffered(query))[0]).toMatch(/^Word10X/);
  });

  test('by their new name and no longer by the old one, and not after they have left', async () => {
    const id = await named('Oldname Xaver', { login: 'xaver-login' });
    // The same text within a second would be the same request, of which Slack repeats some.
    expect(await peopleOffered('oldn')).toEqual(['Oldname Xaver']);
    await world.sql`update people set display_name = 'Newname Xaver' where id = ${id}`;
    expect(await peopleOffered('oldna')).toEqual([]);
    expect(await peopleOffered('newn')).toEqual(['Newname Xaver']);
    expect(await peopleOffered('xaver-')).toEqual(['Newname Xaver']);
    await world.sql`update people set status = 'DEPROVISIONED' where id = ${id}`;
    expect(await peopleOffered('newna')).toEqual([]);
    await world.sql`update people set status = 'ACTIVE' where id = ${id}`;
    expect(await peopleOffered('newnam')).toEqual(['Newname Xaver']);
  });

  test('and treats what is typed as text, not as a pattern', async () => {
    expect(await peopleOffered('%_')).toEqual([]);
    expect(await peopleOffered('_ember')).toEqual([]);
  });
});
