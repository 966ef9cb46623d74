import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEFAULT_SETTINGS } from '#domain/tenant/settings.ts';
import { transact } from '#engine/transact.ts';
import { samplePerson } from '#sandbox/company.ts';
import { openWorld, type TestAgent, type World } from '../support/world.ts';
import { delegate, oktaUser } from '../support/scim.ts';

/** A burst of deactivations: what is irreversible waits, and whatever tightens happens at once (law 9). */
let world: World;
let agent: TestAgent;
let token: string;
let bobsMandate: string;
const people: { scimId: string; id: string }[] = [];

beforeAll(async () => {
  world = await openWorld();
  agent = await world.agent('bobs-bot', 'bob');
  bobsMandate = await world.mandate('bob', agent);
  token = await world.token(agent, 'bob', bobsMandate);
  for (let index = 0; index < 24; index += 1) people.push(await provisioned(oktaUser(`burst${index}`)));
  people.push(
    await provisioned(
      oktaUser('bob', { userName: samplePerson('bob').email, externalId: samplePerson('bob').oktaId }),
    ),
  );
  await transact(world.app, world.tenantId, async (ctx) => {
    for (const { id } of people.slice(0, 24)) await delegate(ctx, id, 2);
  });
});
afterAll(() => world.close());

async function scim(method: string, path: string, body?: unknown) {
  const response = await fetch(`${world.url}/v1/scim/v2${path}`, {
    method,
    headers: {
      authorization: `Bearer ${world.company.api_keys.scim}`,
      'content-type': 'application/scim+json',
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>),
  };
}

async function provisioned(user: Record<string, unknown>) {
  const { status, body } = await scim('POST', '/Users', user);
  expect(status).toBe(201);
  const [row] = await world.sql<
    { id: string }[]
  >`select id from people where scim_id = ${String(body['id'])}`;
  return { scimId: String(body['id']), id: row!.id };
}

const turn = (scimId: string, active: boolean) =>
  scim('PATCH', `/Users/${scimId}`, {
    schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
    Operations: [{ op: 'replace', value: { active } }],
  });

const holds = () =>
  world.sql<{ person_id: string; state: string; source: string }[]>`
    select person_id, state, source from breaker_holds where tenant_id = ${world.tenantId} order by id`;

const statesOf = async (personId: string) =>
  (
    await world.sql<{ state: string; causes: string[] }[]>`
      select state, array(select cause from mandate_freezes f where f.mandate_id = m.id order by 1) causes
        from mandates m where principal_id = ${personId} order by id`
  ).map((row) => [row.state, ...row.causes].join(' '));

const mcp = () =>
  fetch(`${world.url}/mcp`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2025-11-25',
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' }),
  });

describe('25 people are deactivated at once', () => {
  const threshold = DEFAULT_SETTINGS.breaker.people;

  it('exactly as many as the threshold allows are revoked, the others freeze in the same moment and are held', async () => {
    expect((await mcp()).status).toBe(200);
    // Bob's deactivation is the last of the burst, so it is known on which side of the threshold he is.
    const answers = await Promise.all(people.slice(0, 24).map(({ scimId }) => turn(scimId, false)));
    answers.push(await turn(people[24]!.scimId, false));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    const held = await holds();
    expect(held).toHaveLength(25 - threshold);
    expect(new Set(held.map((hold) => `${hold.state} ${hold.source}`))).toEqual(new Set(['held okta:scim']));
    const heldIds = new Set(held.map((hold) => hold.person_id));
    for (const { id } of people) {
      const states = await statesOf(id);
      const wanted = heldIds.has(id) ? 'frozen breaker' : 'revoked';
      expect(states).toEqual(states.map(() => wanted));
      expect(states.length).toBeGreaterThan(0);
    }
    expect(heldIds).toContain(people[24]!.id);
    expect((await mcp()).status).toBe(401);
  });

  it('no token of anybody works and no call of anybody waits, held or not', async () => {
    expect((await world.exchange(agent, 'bob', bobsMandate)).status).toBeGreaterThanOrEqual(400);
    const epochs = await world.sql<{ epoch: number }[]>`
      select epoch from people where id in ${world.sql(people.map(({ id }) => id))}`;
    expect(epochs.every(({ epoch }) => epoch > 0)).toBe(true);
    const [waiting] = await world.sql<{ count: number }[]>`
      select count(*)::int from calls where state = 'waiting' and principal_id in ${world.sql(people.map(({ id }) => id))}`;
    expect(waiting?.count).toBe(0);
  });

  it('the ledger says who tripped it, and that the deactivation is held', async () => {
    const tripped = await world.ledger('BREAKER_TRIPPED');
    expect(tripped).toHaveLength(25 - threshold);
    expect(tripped.at(-1)).toMatchObject({
      actor: 'okta:scim',
      data: { person: people[24]!.id, people: 25, threshold: DEFAULT_SETTINGS.breaker },
    });
    const left = await world.ledger('user_deactivated');
    expect(left).toHaveLength(25);
    expect(left.filter((entry) => entry.data['held'] === true)).toHaveLength(25 - threshold);
  });

  it('a DELETE of somebody held does not slip past the human, and nobody is held twice', async () => {
    const held = (await holds())[0]!;
    const one = people.find(({ id }) => id === held.person_id)!;
    expect((await scim('DELETE', `/Users/${one.scimId}`)).status).toBe(204);
    expect(await statesOf(one.id)).toEqual(['frozen breaker', 'frozen breaker']);
    expect(await holds()).toHaveLength(25 - threshold);
  });
});

describe('a human decides', () => {
  const open = async () =>
    (await holds()).filter((hold) => hold.state === 'held').map((hold) => hold.person_id);

  it('only an IT admin sees and decides it', async () => {
    for (const [tool, input] of [
      ['breaker_list', {}],
      ['breaker_apply', { people: await open() }],
      ['breaker_dismiss', { people: await open() }],
    ] as const)
      expect(await world.as(await world.actor('ann'), tool, input)).toMatchObject({ status: 'denied' });
    const list = await world.as(await world.actor('dana'), 'breaker_list', {});
    expect(list).toMatchObject({ status: 'done' });
    const held = (
      list as unknown as { output: { held: { person: string; mandates: number; active_again: boolean }[] } }
    ).output.held;
    expect(held.map((one) => one.person).sort()).toEqual((await open()).sort());
    expect(held.every((one) => one.mandates > 0 && !one.active_again)).toBe(true);
  });

  it('dismissing is refused while they are not active again', async () => {
    const dana = await world.actor('dana');
    await expect(world.as(dana, 'breaker_dismiss', { people: [people[24]!.id] })).rejects.toMatchObject({
      code: 'conflict',
    });
    expect(await statesOf(people[24]!.id)).toEqual(['frozen breaker']);
  });

  it('dismissing after a reactivation lifts that cause and no other', async () => {
    expect((await turn(people[24]!.scimId, true)).status).toBe(200);
    expect(await statesOf(people[24]!.id)).toEqual(['frozen breaker']);
    await world.sql`insert into mandate_freezes (tenant_id, mandate_id, cause) values (${world.tenantId}, ${bobsMandate}, 'session_hold')`;
    const outcome = await world.as(await world.actor('dana'), 'breaker_dismiss', {
      people: [people[24]!.id],
    });
    expect(outcome).toMatchObject({ status: 'done', output: { people: 1, thawed: [] } });
    expect(await statesOf(people[24]!.id)).toEqual(['frozen session_hold']);
    expect(await world.ledger('BREAKER_DISMISSED')).toMatchObject([{ data: { person: people[24]!.id } }]);
    expect((await mcp()).status).toBe(401);
  });

  it("applying waits for a second IT admin, then revokes with the source's own reason", async () => {
    const ids = await open();
    expect(ids).toHaveLength(4);
    const asked = await world.as(await world.actor('dana'), 'breaker_apply', { people: ids });
    expect(asked).toMatchObject({ status: 'waiting' });
    for (const id of ids) expect((await statesOf(id))[0]).toBe('frozen breaker');
    const { approvalId } = asked as { approvalId: string };
    await expect(world.vote('dana', approvalId)).rejects.toMatchObject({ code: 'forbidden' });
    expect(await world.vote('ivan', approvalId)).toMatchObject({ status: 'done' });
    await expect
      .poll(async () => (await holds()).map((hold) => hold.state).sort(), { timeout: 10_000 })
      .toEqual(['applied', 'applied', 'applied', 'applied', 'dismissed']);
    for (const id of ids)
      expect((await statesOf(id)).every((state) => state.startsWith('revoked'))).toBe(true);
    const entries = await world.ledger('MANDATE_REVOKED');
    const reasons = new Set(entries.map((entry) => entry.data['reason']));
    expect(reasons).toEqual(new Set(['User deprovisioned via SCIM']));
    expect(await world.ledger('BREAKER_APPLIED')).toHaveLength(4);
    const dana = await world.actor('dana');
    await expect(world.as(dana, 'breaker_apply', { people: ids })).rejects.toMatchObject({
      code: 'conflict',
    });
  });
});

describe('the threshold', () => {
  it('counts people, not words: one who goes and comes many times counts once', async () => {
    const tenantId = world.tenantId;
    await world.sql`update tenants set settings = settings || '{"breaker":{"people":2,"seconds":600}}' where id = ${tenantId}`;
    await world.sql`delete from breaker_counts where tenant_id = ${tenantId}`;
    const one = await provisioned(oktaUser('yoyo'));
    await transact(world.app, tenantId, (ctx) => delegate(ctx, one.id, 1));
    for (let time = 0; time < 4; time += 1) {
      await turn(one.scimId, false);
      await turn(one.scimId, true);
    }
    expect(await statesOf(one.id)).toEqual(['revoked']);
    const others = [await provisioned(oktaUser('second')), await provisioned(oktaUser('third'))];
    for (const { id, scimId } of others) {
      await transact(world.app, tenantId, (ctx) => delegate(ctx, id, 1));
      await turn(scimId, false);
    }
    expect(await statesOf(others[0]!.id)).toEqual(['revoked']);
    expect(await statesOf(others[1]!.id)).toEqual(['frozen breaker']);
    expect(
      await world.sql`select distinct person_id from breaker_counts where tenant_id = ${tenantId}`,
    ).toHaveLength(3);
  });

  it('forgets a departure after its window', async () => {
    await world.sql`update breaker_counts set at = at - interval '11 minutes' where tenant_id = ${world.tenantId}`;
    const late = await provisioned(oktaUser('late'));
    await transact(world.app, world.tenantId, (ctx) => delegate(ctx, late.id, 1));
    await turn(late.scimId, false);
    expect(await statesOf(late.id)).toEqual(['revoked']);
  });
});
