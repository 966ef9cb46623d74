import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { syncDirectory } from '#jobs/sync-directory.ts';
import { samplePerson } from '#sandbox/company.ts';
import { hire } from '../support/directory.ts';
import { openWorld, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

const sync = () => syncDirectory(world.app, world.tenantId);
/** The provider's id of the manager in this person's row. */
const managerOf = async (uid: string) =>
  (
    await world.sql<{ uid: string | null }[]>`
      select m.uid from people p left join people m on m.id = p.manager_id where p.uid = ${uid}`
  )[0]?.uid ?? null;

describe('who a manager reference means', () => {
  test('a login beats an e-mail, whichever account came first', async () => {
    const pairs = Array.from({ length: 8 }, (_, nth) => {
      const own = `boss${nth}@acme.example`;
      const admin = () => hire(world, `boss${nth}.adm@acme.example`, { email: own });
      if (nth % 2 === 0) admin();
      const boss = hire(world, own);
      if (nth % 2 === 1) admin();
      return { boss, report: hire(world, `rep${nth}@acme.example`, { managerId: own }) };
    });
    await sync();
    for (const { boss, report } of pairs) expect(await managerOf(report)).toBe(boss);
  });

  test('what fits several people is nobody, and the report shows whose manager that is', async () => {
    hire(world, 'one.adm@acme.example', { email: 'shared@acme.example' });
    const second = hire(world, 'two.adm@acme.example', { email: 'shared@acme.example' });
    const report = hire(world, 'rep.shared@acme.example', { managerId: 'shared@acme.example' });
    const shown = await sync();
    expect(await managerOf(report)).toBeNull();
    const [row] = await world.sql<{ id: string }[]>`select id from people where uid = ${report}`;
    expect(shown.ambiguous_managers).toEqual({ count: 1, people: [row!.id] });
    expect((await world.ledger('sync_completed')).at(-1)?.data['ambiguous_managers']).toEqual(
      shown.ambiguous_managers,
    );
    world.okta.org.users.delete(second);
    await sync();
    expect(await managerOf(report)).not.toBeNull();
  });

  test("a former account is nobody's manager: the living one with the same number is", async () => {
    const former = hire(world, 'greta@acme.example', { employeeNumber: '2001' }, 'DEPROVISIONED');
    const greta = hire(world, 'greta.holm@acme.example', {
      email: 'greta@acme.example',
      employeeNumber: '2001',
    });
    const byNumber = hire(world, 'rep.number@acme.example', { managerId: '2001' });
    const byLogin = hire(world, 'rep.login@acme.example', { managerId: 'greta@acme.example' });
    const alone = hire(world, 'rep.former@acme.example', { managerId: former });
    await sync();
    expect(await managerOf(byNumber)).toBe(greta);
    expect(await managerOf(byLogin)).toBe(greta);
    expect(await managerOf(alone)).toBeNull();
  });

  test('an account that was deleted at Okta does not make an address ambiguous', async () => {
    const former = hire(world, 'carl.2019@acme.example', { email: samplePerson('carl').email });
    await sync();
    const answer = async () =>
      (await world.slack.as('carl').types('/okta find ann')).ephemerals.at(-1)?.text ?? '';
    expect(await answer()).toContain('More than one person');
    world.okta.org.users.delete(former);
    await sync();
    expect(await answer()).toContain('People · ');
  });
});
