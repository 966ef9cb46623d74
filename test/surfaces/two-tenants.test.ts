import { afterAll, beforeAll, expect, test } from 'vitest';
import { samplePerson } from '#sandbox/company.ts';
import { openSecondCompany, type SecondCompany } from '../support/second-company.ts';
import { openWorld, type World } from '../support/world.ts';

let world: World;
let second: SecondCompany;
beforeAll(async () => {
  world = await openWorld();
  second = await openSecondCompany(world);
});
afterAll(async () => {
  await second.close();
  await world.close();
});

const status = (org: World['okta'], key: string) => org.org.users.get(samplePerson(key).oktaId)?.status;

test('an organisation acts at the Okta that it is connected to, and at no other', async () => {
  const asked = world.okta.requests.length;
  const outcome = await second.as(
    'dana',
    'okta_suspend_user',
    { person: 'faye@acme.example' },
    { waitMs: 60_000 },
  );
  expect(outcome).toMatchObject({ status: 'done' });
  expect(status(second.okta, 'faye')).toBe('SUSPENDED');
  expect(status(world.okta, 'faye')).toBe('ACTIVE');
  expect(world.okta.requests).toHaveLength(asked);
  expect(
    await world.sql`select from connections where org_url = ${second.okta.url} and tenant_id = ${second.tenantId}`,
  ).toHaveLength(1);
});

test('at the next start every organisation keeps its own connection, and its schedules run', async () => {
  await world.sql`delete from pgboss.schedule`;
  const another = await world.second();
  const link = await another.app.provider(second.tenantId);
  expect(await link.directory.findPeople('faye@acme.example', 1)).toMatchObject([{ status: 'SUSPENDED' }]);
  const rows = await world.sql<{ tenant_id: string; org_url: string; from_settings: boolean }[]>`
    select tenant_id, org_url, from_settings from connections order by from_settings`;
  expect(rows).toEqual([
    { tenant_id: second.tenantId, org_url: second.okta.url, from_settings: false },
    { tenant_id: world.tenantId, org_url: world.okta.url, from_settings: true },
  ]);
  const schedules = await world.sql<{ key: string; n: number }[]>`
    select key, count(*)::int as n from pgboss.schedule group by key order by key`;
  expect(schedules.map(({ key }) => key)).toEqual([world.tenantId, second.tenantId].toSorted());
  expect(schedules[0]?.n).toBe(schedules[1]?.n);
});
