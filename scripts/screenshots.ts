import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import sparticuz from '@sparticuz/chromium';
import { chromium, type Browser, type Locator, type Page } from 'playwright-core';
import { startInstance, type Instance } from './demo/instance.ts';

/**
 * Takes screenshots in a fresh sandbox with a real browser, of what people see on their first day:
 *
 *     npm run screenshots                   into docs/images
 *     npm run screenshots -- some/folder    into another folder
 *
 * One PNG per screen. Look at them before and after you change a message or a form.
 */
const folder = resolve(process.argv[2] ?? 'docs/images');
// How long a screen may take to stop changing, and how long it must then stay unchanged.
const DEADLINE_MS = 60_000;
const QUIET_MS = 2500;

const stop = new AbortController();
process.on('SIGINT', () => stop.abort(130));
await mkdir(folder, { recursive: true });
const instance = await startInstance(stop.signal);
try {
  const chrome = await chromium.launch({
    executablePath: await sparticuz.executablePath(),
    args: [...sparticuz.args, '--disable-background-networking'],
  });
  try {
    await walk(instance, chrome);
  } finally {
    await chrome.close();
  }
} finally {
  await instance.stop();
}

async function walk({ url, oktaUrl, slackUrl }: Instance, chrome: Browser): Promise<void> {
  const opens = async (address: string, height = 800): Promise<Page> => {
    const context = await chrome.newContext({ viewport: { width: 1000, height }, deviceScaleFactor: 2 });
    const page = await context.newPage();
    await page.goto(address);
    return page;
  };

  await shot(await opens(url), 'home');
  await shot(await opens(oktaUrl, 900), 'okta-people');

  const bob = await opens(`${slackUrl}/?as=bob`);
  await types(bob, '/okta help');
  await shot(bob, 'slack-help');
  await types(bob, '/okta reset mfa @ann');
  await shot(last(bob), 'slack-preview');
  await clicks(bob, 'Send request');
  await shot(last(bob), 'slack-done');

  // Bob holds a mapped role, so two IT admins approve, each with a second factor.
  const mona = await opens(`${slackUrl}/?as=mona`);
  await types(mona, '/okta reset password @bob');
  await clicks(mona, 'Send request');
  await shot(last(mona), 'slack-waiting');
  const dana = await opens(`${slackUrl}/?as=dana`);
  await quiet(dana);
  await shot(last(dana), 'slack-approval');
  const link = (await dana.locator('#main [data-url^=http]').last().getAttribute('data-url')) ?? '';
  const approval = await opens(link);
  await approval.getByRole('button', { name: 'Dana Ruiz' }).click();
  await approval.getByRole('button', { name: 'Okta Verify push' }).click();
  await shot(approval, 'approval-page');
  await approval.getByRole('button', { name: 'Approve' }).click();
  await quiet(dana);
  await shot(last(dana), 'slack-voted');

  await types(bob, '/agent register');
  await shot(bob, 'slack-form');
  await bob.locator('#modal button[type=submit]').click();
  await quiet(bob);
  await shot(bob, 'slack-form-errors');
  await closes(bob);
  await types(bob, '/mandate create');
  await shot(bob, 'slack-mandate-form');
  await closes(bob);

  for (const list of ['/agent list', '/mandate list', '/approval list', '/policy show']) {
    await types(dana, list);
    await shot(last(dana), `slack${list.replaceAll(/[/ ]/g, '-')}`);
  }
  await types(bob, 'hello, can you reset the password of Ann?');
  await shot(last(bob), 'slack-free-text');
}

async function types(page: Page, text: string): Promise<void> {
  await page.locator('#text').fill(text);
  await page.locator('#say button').click();
  await quiet(page);
}

/** Clicks the last button with this name, in the newest message that has one. */
async function clicks(page: Page, name: string): Promise<void> {
  await page.locator('#main').getByRole('button', { name, exact: true }).last().click();
  await quiet(page);
}

async function closes(page: Page): Promise<void> {
  if ((await page.locator('#modal form').count()) > 0) await page.locator('#modal [data-cancel]').click();
  await quiet(page);
}

/** The newest message of the conversation. */
function last(page: Page): Locator {
  return page.locator('#main article').last();
}

/** Waits until the page has not changed for `QUIET_MS`. */
async function quiet(page: Page): Promise<void> {
  let before = '';
  let since = Date.now();
  for (
    const end = Date.now() + DEADLINE_MS;
    Date.now() < end && Date.now() - since < QUIET_MS;
    await sleep(100)
  ) {
    const now = await page.locator('body').innerHTML();
    if (now === before) continue;
    before = now;
    since = Date.now();
  }
}

async function shot(what: Page | Locator, name: string): Promise<void> {
  await what.screenshot({ path: join(folder, `${name}.png`) });
  console.log(name);
}
