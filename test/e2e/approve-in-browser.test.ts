import { join } from 'node:path';
import sparticuz from '@sparticuz/chromium';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { samplePerson } from '#sandbox/company.ts';
import { approvalPages } from '../support/step-up.ts';
import { eventually, openWorld, type World } from '../support/world.ts';

let world: World;
let chrome: Browser;
const folder = process.env['SCREENSHOTS'];

beforeAll(async () => {
  world = await openWorld();
  chrome = await chromium.launch({
    executablePath: await sparticuz.executablePath(),
    args: [...sparticuz.args, '--disable-background-networking'],
  });
});
afterAll(async () => {
  await chrome.close();
  await world.close();
});

async function asks(who: string, person: string): Promise<string> {
  const outcome = await world.as(
    await world.actor(who),
    'okta_reset_password',
    { person: samplePerson(person).email },
    { reason: 'Locked out, and flies in an hour' },
  );
  if (outcome.status !== 'waiting') throw new Error(JSON.stringify(outcome));
  return outcome.approvalId;
}
/** A separate browser for one person, without scripts, since the pages need none. */
async function opens(approvalId: string): Promise<Page> {
  const context = await chrome.newContext({
    javaScriptEnabled: false,
    viewport: { width: 900, height: 900 },
  });
  const page = await context.newPage();
  await page.goto(approvalPages(world).pageOf(approvalId));
  return page;
}
async function signsIn(page: Page, who: string): Promise<void> {
  const { firstName, lastName } = samplePerson(who);
  await page.getByRole('button', { name: `${firstName} ${lastName}` }).click();
}
async function shot(page: Page, name: string): Promise<void> {
  if (folder !== undefined) await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
}

test('two IT admins follow the link, sign in at Okta with a second factor, read and approve; the password is reset', async () => {
  const approvalId = await asks('mona', 'bob');
  const dana = await opens(approvalId);
  await signsIn(dana, 'dana');
  await shot(dana, 'factor');
  await dana.getByRole('button', { name: 'Okta Verify push' }).click();
  expect(await dana.getByRole('heading', { level: 1 }).innerText()).toBe('Reset password for Bob Meyer');
  // The page's CSP allows its own style: it is a narrow column, not the whole window.
  expect((await dana.locator('main').boundingBox())?.width).toBeLessThan(700);
  await shot(dana, 'approval');
  await dana.getByRole('button', { name: 'Approve' }).click();
  expect(await dana.getByRole('heading', { level: 1 }).innerText()).toBe('Your approval is recorded');
  await shot(dana, 'recorded');

  const ivan = await opens(approvalId);
  await signsIn(ivan, 'ivan');
  await ivan.getByRole('button', { name: 'Code from Okta Verify' }).click();
  expect(await ivan.getByText('Approved by Dana Ruiz').count()).toBe(1);
  await shot(ivan, 'second');
  await ivan.getByRole('button', { name: 'Approve' }).click();
  expect(await ivan.getByRole('heading', { level: 1 }).innerText()).toBe('Approved');
  await eventually(
    async () => world.okta.org.users.get(samplePerson('bob').oktaId)?.status === 'RECOVERY',
    'Okta resets the password',
  );
});

test('without a second factor, by somebody who is no approver, or without a reason for a denial, nothing is decided', async () => {
  const approvalId = await asks('erin', 'faye');
  const ivan = world.okta.org.users.get(samplePerson('ivan').oktaId);
  if (ivan === undefined) throw new Error('no Ivan');
  const { factors } = ivan;
  ivan.factors = [];
  const weak = await opens(approvalId);
  await signsIn(weak, 'ivan');
  expect(await weak.getByRole('heading', { level: 1 }).innerText()).toBe('A second factor is needed');
  await shot(weak, 'weak');
  ivan.factors = factors;

  const nina = await opens(approvalId);
  await signsIn(nina, 'nina');
  await nina.getByRole('button', { name: 'Okta Verify push' }).click();
  expect(await nina.getByRole('heading', { level: 1 }).innerText()).toBe('Nothing to decide here');
  await shot(nina, 'nothing');

  // The same browser signs in again, now with the factor.
  await weak.getByRole('link', { name: 'Sign in again' }).click();
  await signsIn(weak, 'ivan');
  await weak.getByRole('button', { name: 'Okta Verify push' }).click();
  await weak.getByText('Deny instead').click();
  await weak.getByRole('button', { name: 'Deny' }).click();
  // The browser itself asks for the reason. Nothing was sent.
  expect(await weak.getByRole('heading', { level: 1 }).innerText()).toBe('Reset password for Faye Dubois');
  await shot(weak, 'deny');
  await weak.getByLabel('Why?').fill('Faye can use her backup code');
  await weak.getByRole('button', { name: 'Deny' }).click();
  expect(await weak.getByRole('heading', { level: 1 }).innerText()).toBe('Denied');
  await shot(weak, 'denied');
});

test('break-glass: who asked and is named reads what it means, says why, and it is carried out', async () => {
  const dana = await world.person('dana');
  await world.sql`insert into break_glass_people (tenant_id, person_id) values (${world.tenantId}, ${dana.id})`;
  const approvalId = await asks('dana', 'mona');
  const page = await opens(approvalId);
  await signsIn(page, 'dana');
  await page.getByRole('button', { name: 'Okta Verify push' }).click();
  expect(await page.getByRole('button', { name: 'Approve' }).count()).toBe(0);
  await shot(page, 'break-glass');
  await page.getByLabel('What is the emergency?').fill('Ivan is on a plane');
  await page.getByRole('button', { name: 'Run it now' }).click();
  expect(await page.getByRole('heading', { level: 1 }).innerText()).toBe('The request runs now');
  await shot(page, 'waived');
  await eventually(
    async () => world.okta.org.users.get(samplePerson('mona').oktaId)?.status === 'RECOVERY',
    'Okta resets the password',
  );
});
