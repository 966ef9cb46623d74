import { afterAll, beforeAll, expect, test } from 'vitest';
import { homeSurface } from '#surfaces/home/index.ts';
import { eventually, openWorld, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

const text = async (url: string) => (await fetch(url)).text();

test('the first address says what this is, that it is a sandbox, and where to click first', async () => {
  const home = await text(`${world.url}/`);
  expect(home).toContain('Prokura sandbox');
  for (const link of [
    world.slack.url,
    world.okta.url,
    `${world.url}/v1/openapi.json`,
    `${world.url}/readyz`,
  ]) {
    expect(home).toContain(`href="${link}"`);
    expect((await fetch(link)).status).toBe(200);
  }
  expect((await fetch(`${world.url}/`, { method: 'POST' })).status).toBe(405);
});

test('the home page of a live server names no simulator', async () => {
  const answer = await homeSurface({ baseUrl: 'https://prokura.acme.com' }, null).fetch(
    new Request('https://prokura.acme.com/'),
  );
  const home = await answer?.text();
  expect(home).toContain('Prokura is running');
  expect(home).not.toMatch(/sandbox|simulated|Acme/);
});

test('the simulated Okta shows its people, and what Prokura changed there', async () => {
  const row = async () =>
    /<tr>(?:(?!<\/tr>).)*ann@acme\.example.*?<\/tr>/s.exec(await text(world.okta.url))?.[0];
  expect(await row()).toContain('ACTIVE');
  await world.as(await world.actor('bob'), 'okta_reset_password', { person: 'ann@acme.example' });
  await eventually(async () => (await row())?.includes('RECOVERY'), 'the page shows the new status');
});
