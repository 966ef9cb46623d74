import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { syncDirectory } from '#jobs/sync-directory.ts';
import { samplePerson } from '#sandbox/company.ts';
import { Gate, latePages, latePerson } from '../support/directory.ts';
import { openWorld, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());
beforeEach(() => world.okta.clearFaults());

const uid = (key: string) => samplePerson(key).oktaId;
const atOkta = (key: string) => {
  const user = world.okta.org.users.get(uid(key));
  if (user === undefined) throw new Error(`no ${key} at Okta`);
  return user;
};
const here = async (key: string) => (await world.person(key)).status;
const mandateState = async (id: string) =>
  (await world.sql`select state from mandates where id = ${id}`)[0]?.['state'];
const sync = (app = world.app) => syncDirectory(app, world.tenantId);

async function suspend(key: string): Promise<void> {
  const email = samplePerson(key).email;
  const outcome = await world.as(
    await world.actor('ivan'),
    'okta_suspend_user',
    { person: email },
    { waitMs: 40_000 },
  );
  expect(outcome.status).toBe('done');
}

describe('law 8: only a read by id that began after the last tightening loosens', () => {
  test('a page of the list that Okta made before a suspension and that comes after it leaves them suspended', async () => {
    const mandate = await world.mandate('bob', await world.agent('late-page-bot', 'bob'));
    const gate = new Gate();
    const syncing = sync(latePages(world.app, gate));
    await gate.reached;
    await suspend('bob');
    gate.open();
    await syncing;
    expect(await here('bob')).toBe('SUSPENDED');
    expect(await mandateState(mandate)).toBe('frozen');
    atOkta('bob').status = 'ACTIVE';
    await sync();
    expect(await here('bob')).toBe('ACTIVE');
    expect(await mandateState(mandate)).toBe('active');
  });

  test('a read by id that began before a suspension and ends after it leaves them suspended, though they were suspended before', async () => {
    await suspend('carl');
    atOkta('carl').status = 'ACTIVE';
    const gate = new Gate();
    const syncing = sync(latePerson(world.app, uid('carl'), gate));
    await gate.reached;
    await suspend('carl');
    expect(atOkta('carl').status).toBe('SUSPENDED');
    gate.open();
    await syncing;
    expect(await here('carl')).toBe('SUSPENDED');
  });

  test('of two imports side by side the slower one brings nobody back whom the faster one took away', async () => {
    const mandate = await world.mandate('faye', await world.agent('slower-bot', 'faye'));
    atOkta('faye').status = 'SUSPENDED';
    await sync();
    atOkta('faye').status = 'ACTIVE';
    const gate = new Gate();
    const slower = sync(latePerson(world.app, uid('faye'), gate));
    await gate.reached;
    atOkta('faye').status = 'DEPROVISIONED';
    await sync();
    expect(await here('faye')).toBe('DEPROVISIONED');
    gate.open();
    await slower;
    expect(await here('faye')).toBe('DEPROVISIONED');
    expect(await mandateState(mandate)).toBe('revoked');
  });

  test('a suspension that has not landed at Okta yet is not undone by what Okta still shows', async () => {
    const fault = world.okta.fault({
      method: 'POST',
      path: `/users/${uid('ann')}/lifecycle/suspend`,
      times: 1000,
      status: 503,
    });
    const asked = await world.as(await world.actor('ivan'), 'okta_suspend_user', {
      person: 'ann@acme.example',
    });
    if (!('callId' in asked)) throw new Error(JSON.stringify(asked));
    const landing = async () =>
      (await world.sql`select state from calls where id = ${asked.callId}`)[0]?.['state'];
    await expect.poll(landing, { timeout: 30_000 }).toBe('running');
    await sync();
    expect(await here('ann')).toBe('SUSPENDED');
    // The read begins during the suspension and ends after it, so its data may be older than the suspension.
    const gate = new Gate();
    const syncing = sync(latePerson(world.app, uid('ann'), gate));
    await gate.reached;
    fault.remaining = 0;
    await expect.poll(landing, { timeout: 60_000 }).toBe('succeeded');
    gate.open();
    await syncing;
    expect(await here('ann')).toBe('SUSPENDED');
  });

  test('somebody whom Okta knows no more is held once, and is back when Okta knows them again', async () => {
    const nina = atOkta('nina');
    world.okta.org.users.delete(uid('nina'));
    await sync();
    await sync();
    expect(await world.person('nina')).toMatchObject({ status: 'SUSPENDED' });
    const noted = (await world.ledger('user_suspended')).filter(
      (entry) => entry.data['reason'] === 'not found at the identity provider',
    );
    expect(noted).toHaveLength(1);
    world.okta.org.users.set(nina.id, nina);
    await sync();
    expect(await world.person('nina')).toMatchObject({ status: 'ACTIVE', missingAt: null });
  });
});
