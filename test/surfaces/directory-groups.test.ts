import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { memberChanges } from '#domain/group/import.ts';
import { readonly } from '#engine/transact.ts';
import { syncDirectory } from '#jobs/sync-directory.ts';
import { samplePerson } from '#sandbox/company.ts';
import { Gate, hire, withDirectory } from '../support/directory.ts';
import { openWorld, type World } from '../support/world.ts';

const MANAGERS = '00gmanagers0000000h7';
const IT_ADMINS = '00gitadmins0000000h7';
const ENGINEERING = '00gengineering0000h7';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());
beforeEach(() => world.okta.clearFaults());

const uid = (key: string) => samplePerson(key).oktaId;
const sync = (app = world.app) => syncDirectory(app, world.tenantId);
const group = (id: string) => {
  const found = world.okta.org.groups.get(id);
  if (found === undefined) throw new Error(`no group ${id} at Okta`);
  return found;
};
/** The members in our rows. */
const members = async (id: string): Promise<string[]> =>
  (
    await world.sql<{ uid: string }[]>`
      select p.uid from memberships m join groups g on g.id = m.group_id join people p on p.id = m.person_id where g.uid = ${id}`
  ).map((row) => row.uid);
const mandateRow = async (id: string) =>
  (
    await world.sql`
      select m.state, array_agg(f.cause) as causes from mandates m left join mandate_freezes f on f.mandate_id = m.id
       where m.id = ${id} group by m.state`
  )[0];

describe('groups of the directory', () => {
  test('one group that cannot be read stops no other, is named, and its authority does not grow', async () => {
    group(ENGINEERING).members.add(uid('faye'));
    group(IT_ADMINS).members.delete(uid('ivan'));
    const fault = world.okta.fault({
      method: 'GET',
      path: `/groups/${ENGINEERING}/users`,
      times: 1000,
      status: 403,
      okta_code: 'E0000006',
    });
    const report = await sync();
    expect(fault.hits).toBeGreaterThan(0);
    expect(await members(IT_ADMINS)).not.toContain(uid('ivan'));
    expect(await members(ENGINEERING)).not.toContain(uid('faye'));
    expect(Object.entries(report.missing)).toEqual([
      [`group Engineering (${ENGINEERING})`, expect.stringContaining('Okta refused')],
    ]);
    expect((await world.ledger('sync_failed')).at(-1)?.data['missing']).toEqual(report.missing);
    world.okta.clearFaults();
    group(IT_ADMINS).members.add(uid('ivan'));
    expect((await sync()).missing).toEqual({});
    expect(await members(ENGINEERING)).toContain(uid('faye'));
  });

  test('a group with an id that is none, one that vanishes before its members are read, and one that gets no answer: skipped and reported', async () => {
    const odd = { ...group(ENGINEERING), id: 'odd-id', profile: { name: 'Odd' }, members: new Set<string>() };
    world.okta.org.groups.set(odd.id, odd);
    world.okta.fault({ method: 'GET', path: `/groups/${ENGINEERING}/users`, times: 1000, status: 503 });
    const vanishing = withDirectory(world.app, (real) => ({
      async *groups(signal) {
        for await (const page of real.groups(signal))
          yield [
            ...page,
            { uid: '00gvanished0000000h7', name: 'Vanished', description: null, kind: 'OKTA_GROUP' },
          ];
      },
    }));
    group(IT_ADMINS).members.add(uid('mona'));
    const report = await sync(vanishing);
    expect(Object.keys(report.missing).sort()).toEqual([
      `group Engineering (${ENGINEERING})`,
      'group Odd (odd-id)',
    ]);
    expect(report.vanished).toBe(1);
    expect(await members(IT_ADMINS)).toContain(uid('mona'));
    group(IT_ADMINS).members.delete(uid('mona'));
    world.okta.org.groups.delete(odd.id);
    world.okta.clearFaults();
    await sync();
  });

  test('a list of members that is older than a removal puts nobody back', async () => {
    const gate = new Gate();
    const slow = withDirectory(world.app, (real) => ({
      async *members(id, signal) {
        const pages: string[][] = [];
        for await (const page of real.members(id, signal)) pages.push(page);
        if (id === IT_ADMINS) await gate.pass();
        yield* pages;
      },
    }));
    const slower = sync(slow);
    await gate.reached;
    group(IT_ADMINS).members.delete(uid('ivan'));
    await sync();
    expect(await members(IT_ADMINS)).not.toContain(uid('ivan'));
    const before = (await world.ledger('authority_changed')).length;
    gate.open();
    await slower;
    expect(await members(IT_ADMINS)).not.toContain(uid('ivan'));
    // Not even for a moment: nothing was added and then removed.
    expect((await world.ledger('authority_changed')).slice(before)).toEqual([]);
    group(IT_ADMINS).members.add(uid('ivan'));
    await sync();
    expect(await members(IT_ADMINS)).toContain(uid('ivan'));
  });

  test('members whom the list of people did not show are read by id', async () => {
    const shy = hire(world, 'shy@acme.example');
    group(ENGINEERING).members.add(shy);
    const without = withDirectory(world.app, (real) => ({
      async *people(signal) {
        for await (const page of real.people(signal)) yield page.filter((person) => person.uid !== shy);
      },
    }));
    expect((await sync(without)).missing).toEqual({});
    expect(await members(ENGINEERING)).toContain(shy);
  });

  test('a group of more members than one transaction changes is saved in pieces, and one of more than a statement may have parameters at all', async () => {
    const crowd = Array.from({ length: 2300 }, (_, nth) => hire(world, `crowd-${nth}@acme.example`));
    for (const id of crowd) group(MANAGERS).members.add(id);
    await sync();
    expect(await members(MANAGERS)).toEqual(expect.arrayContaining(crowd));
    const added = (await world.ledger('authority_changed')).flatMap(({ data }) =>
      Array.isArray(data['added']) ? [data['added'].length] : [],
    );
    expect(added.reduce((sum, one) => sum + one)).toBeGreaterThanOrEqual(2300);
    expect(Math.max(...added)).toBeLessThanOrEqual(1000);
    const strangers = Array.from({ length: 70_000 }, (_, nth) => `00ustranger${nth}`);
    const all = [...(await members(MANAGERS)), ...strangers];
    const [row] = await world.sql<{ id: string }[]>`select id from groups where uid = ${MANAGERS}`;
    const changes = await readonly(world.app, world.tenantId, (reader) =>
      memberChanges(reader, 'okta', row!.id, all),
    );
    expect(changes).toMatchObject({ added: [], removed: [] });
    expect(changes.unknown).toHaveLength(strangers.length);
    for (const id of crowd) world.okta.org.users.delete(id);
    for (const id of crowd) group(MANAGERS).members.delete(id);
    await world.sql`delete from memberships where person_id in (select id from people where login like 'crowd-%')`;
    await world.sql`delete from people where login like 'crowd-%'`;
  });

  test('a group that Okta has no more ends its memberships in that import, and mandates that it supported freeze', async () => {
    const mandate = await world.mandate('bob', await world.agent('gone-group-bot', 'bob'));
    world.okta.org.groups.delete(MANAGERS);
    const report = await sync();
    expect(report.vanished).toBe(1);
    expect(await members(MANAGERS)).toEqual([]);
    expect(await mandateRow(mandate)).toMatchObject({ state: 'frozen', causes: ['authority_lost'] });
    expect((await world.ledger('authority_changed')).at(-1)?.data).toMatchObject({ added: [] });
    expect(
      await world.as(await world.actor('faye'), 'okta_reset_password', { person: 'nina@acme.example' }),
    ).toMatchObject({ status: 'denied' });
  });
});
