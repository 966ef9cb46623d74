import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import sparticuz from '@sparticuz/chromium';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { samplePerson } from '#sandbox/company.ts';
import { openWorld, type TestAgent, type World } from '../support/world.ts';

/** What every runtime does with the built client, in code that all of them can run. Returns what it saw. */
const USE = `
import { createClient, ProkuraError, verifyDelegation } from './client/index.js';
export async function use(given) {
  const { issuer, base, clientId, privateKey, request } = given;
  const client = createClient({ issuer, clientId, privateKey, dpop: true });
  const token = await client.exchangeToken({ ...request, audience: base + '/v1' });
  const tools = await client.fetch(base + '/v1/tools', undefined, { ...request, audience: base + '/v1' });
  const bearer = createClient({ issuer, clientId, privateKey });
  const plain = await bearer.exchangeToken(request);
  const verify = verifyDelegation({ issuer, audience: base + '/mcp' });
  const claims = await verify(plain.access_token);
  const refused = async (work) => {
    try { await work; return 'not refused'; }
    catch (error) { return error instanceof ProkuraError ? error.reason ?? error.code : String(error); }
  };
  const seen = [
    token.token_type,
    token.claims.cnf.jkt.length,
    tools.status,
    claims.mandate_id,
    await refused(verify(plain.access_token.slice(0, -4) + 'AAAA')),
    await refused(verifyDelegation({ issuer, audience: base + '/v1' })(token.access_token)),
    await refused(bearer.exchangeToken({ ...request, scope: 'okta.users.suspend' })),
  ];
  await bearer.revoke(plain.access_token);
  seen.push((await client.introspect(plain.access_token)).active);
  return seen;
}`;
const MAIN = `
import { use } from './use.js';
const { readFile } = await import('node:fs/promises');
console.log(JSON.stringify(await use(JSON.parse(await readFile(new URL('./given.json', import.meta.url), 'utf8')))));`;

const root = resolve(import.meta.dirname, '../..');
const run = promisify(execFile);
const PROGRAMS: Readonly<Record<string, readonly string[]>> = {
  deno: ['run', '--allow-net', '--allow-read'],
  bun: ['run'],
  node: ['--no-strip-types', '--no-warnings'],
};
/**
 * Node, and the runtimes that the environment names (`CLIENT_RUNTIMES`: paths of deno or bun, separated by
 * commas). They are too large to be dependencies.
 */
const runtimes = [process.execPath, ...(process.env['CLIENT_RUNTIMES'] ?? '').split(',')].filter(
  (path) => path !== '',
);

let world: World;
let agent: TestAgent;
let mandateId: string;
let folder: string;
beforeAll(async () => {
  world = await openWorld();
  agent = await world.agent('runtime-bot', 'carl');
  mandateId = await world.mandate('bob', agent, { scopes: ['okta.users.read'] });
  folder = await mkdtemp(join(tmpdir(), 'prokura-runtimes-'));
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  await run(process.execPath, [tsc, '-p', 'tsconfig.build.json', '--outDir', folder], { cwd: root });
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
  await writeFile(join(folder, 'use.js'), USE);
  await writeFile(join(folder, 'main.js'), MAIN);
});
afterAll(async () => {
  await world.close();
  await rm(folder, { recursive: true, force: true });
});

const given = async () => ({
  issuer: world.company.issuer,
  base: world.app.baseUrl,
  clientId: agent.id,
  privateKey: agent.privateJwk,
  request: {
    subject_token: await world.okta.tokenFor(samplePerson('bob').email, { scopes: ['delegation:exchange'] }),
    mandate_id: mandateId,
  },
});
const expected = () => ['DPoP', 43, 200, mandateId, 'signature', 'dpop_required', 'invalid_scope', false];

test.each(runtimes)(
  'the built client exchanges, proves its key, verifies and revokes under %s',
  async (path) => {
    await writeFile(join(folder, 'given.json'), JSON.stringify(await given()));
    const { stdout } = await run(path, [...(PROGRAMS[basename(path)] ?? []), join(folder, 'main.js')], {
      cwd: folder,
    });
    expect(JSON.parse(stdout)).toEqual(expected());
  },
);

/**
 * Replaces the package's own arguments, which remove the separation of origins. Chromium's question whether a
 * page may reach this computer is off, so that only CORS decides.
 */
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--disable-background-networking',
  '--disable-features=LocalNetworkAccessChecks',
];

describe('in a real browser', () => {
  let browser: Browser;
  let elsewhere: Server;
  beforeAll(async () => {
    browser = await chromium.launch({
      executablePath: await sparticuz.executablePath(),
      args: ARGUMENTS,
    });
    elsewhere = createServer((_, response) =>
      response.setHeader('content-type', 'text/html').end('<p>a page</p>'),
    );
    await new Promise<void>((listening) => elsewhere.listen(0, '127.0.0.1', listening));
  });
  afterAll(async () => {
    await browser.close();
    elsewhere.close();
  });

  /** A page of an origin that also serves the built client. Everything else is requested over the network. */
  async function pageAt(origin: string): Promise<Page> {
    const page = await browser.newPage();
    await page.route(`${origin}/page`, (route) =>
      route.fulfill({ contentType: 'text/html', body: '<p>a page</p>' }),
    );
    await page.route(`${origin}/built/**`, async (route) => {
      const path = new URL(route.request().url()).pathname.slice('/built/'.length);
      await route.fulfill({
        contentType: 'text/javascript',
        body: await readFile(join(folder, path), 'utf8'),
      });
    });
    await page.goto(`${origin}/page`);
    return page;
  }
  // As text, because the imports of a function would be resolved here.
  const script = (body: string, argument: unknown) =>
    `(async (given) => { const { use } = await import('/built/use.js'); const built = await import('/built/client/index.js'); ${body} })(${JSON.stringify(argument)})`;

  test('a page of our own origin does all of it', async () => {
    const page = await pageAt(new URL(world.app.baseUrl).origin);
    expect(await page.evaluate(script('return use(given);', await given()))).toEqual(expected());
    await page.close();
  });

  test('a page of another origin verifies tokens: keys, metadata and status lists are for everybody', async () => {
    const page = await pageAt(`http://localhost:${(elsewhere.address() as AddressInfo).port}`);
    const token = await world.token(agent, 'bob', mandateId);
    const claims = await page.evaluate(
      script(
        'return built.verifyDelegation({ issuer: given.issuer, audience: given.base + "/mcp" })(given.token);',
        { ...(await given()), token },
      ),
    );
    expect(claims).toMatchObject({ mandate_id: mandateId });
    await page.close();
  });

  test('a page of another origin gets no token and reaches no tool: the browser keeps the answers from it', async () => {
    const page = await pageAt(`http://localhost:${(elsewhere.address() as AddressInfo).port}`);
    const token = await world.token(agent, 'bob', mandateId, { audience: `${world.app.baseUrl}/v1` });
    const seen = await page.evaluate(
      script(
        `const fails = (work) => work.then(() => 'answered', (error) => error.code ?? error.name);
        const { issuer, base, clientId, privateKey, request } = given;
        const client = built.createClient({ issuer, clientId, privateKey });
        return [
          await fails(client.exchangeToken(request)),
          await fails(fetch(base + '/v1/tools', { headers: { authorization: 'Bearer ' + given.token } })),
          await fails(fetch(base + '/mcp', { method: 'POST', body: '{}', headers: { authorization: 'Bearer ' + given.token } })),
        ];`,
        { ...(await given()), token },
      ),
    );
    expect(seen).toEqual(['unavailable', 'TypeError', 'TypeError']);
    await page.close();
  });
});
