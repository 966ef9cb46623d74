import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import postgres from 'postgres';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { freePort, startEmbedded } from '#db/embedded.ts';
import { startProcess } from '../support/process.ts';
import { eventually } from '../support/world.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'prokura-embedded-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const pidFile = () => join(folder, 'postgres/postmaster.pid');
const pidOf = () => Number(readFileSync(pidFile(), 'utf8').split('\n')[0]);
const isAlive = (pid: number) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};
async function works(url: string): Promise<boolean> {
  const sql = postgres(url, { max: 1 });
  const [row] = await sql`select current_database() as name`;
  await sql.end();
  return row?.['name'] === 'prokura';
}

test('of two starts in the same second on a new folder, one gets the database and the other is told that it is in use', async () => {
  const [first, second] = await Promise.allSettled([startEmbedded(folder), startEmbedded(folder)]);
  const [winner] = [first, second].filter((one) => one.status === 'fulfilled');
  const [loser] = [first, second].filter((one) => one.status === 'rejected');
  expect(loser?.reason).toMatchObject({ code: 'conflict' });
  expect(await works(winner?.value.url ?? '')).toBe(true);
  await winner?.value.stop();
});

test('a folder that is named from the working directory is as good as a whole path', async () => {
  const home = process.cwd();
  const below = join(folder, 'below', 'it');
  await mkdir(below, { recursive: true });
  process.chdir(below);
  const server = await startEmbedded(relative(below, folder)).finally(() => process.chdir(home));
  expect(await works(server.url)).toBe(true);
  expect(isAlive(pidOf())).toBe(true);
  await server.stop();
});

test('in a folder that the user of PostgreSQL cannot enter, root is told which folder that is and what to do; another user needs no other', async () => {
  const home = join(folder, 'home');
  await mkdir(join(home, 'data'), { recursive: true, mode: 0o700 });
  const said = await startEmbedded(join(home, 'data')).then(
    async (server) => {
      await server.stop();
      return 'started';
    },
    (error: Error) => error.message,
  );
  const asRoot = `PostgreSQL cannot run as root, so it runs as .*, but that user cannot access ${home}. Move Prokura to a folder`;
  expect(said).toMatch(process.getuid?.() === 0 ? new RegExp(asRoot) : /^started$/);
});

test('a pid file that names a living process which is not PostgreSQL does not keep it from starting', async () => {
  const first = await startEmbedded(folder);
  await first.stop();
  const sleeper = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  const port = await freePort();
  await writeFile(pidFile(), `${sleeper.pid}\n${join(folder, 'postgres')}\n0\n${port}\n\n127.0.0.1\n`);
  const second = await startEmbedded(folder);
  expect(await works(second.url)).toBe(true);
  await second.stop();
  sleeper.kill();
});

test('a server that a killed process left behind is taken over, and stopped by a clean stop', async () => {
  const orphaned = await leaveBehind();
  expect(isAlive(orphaned)).toBe(true);
  const next = await startEmbedded(folder);
  expect([pidOf(), await works(next.url)]).toEqual([orphaned, true]);
  await next.stop();
  await expect(works(next.url)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});

/**
 * Starts the database in a process that is killed as soon as it runs. Returns the pid of the PostgreSQL that
 * it leaves behind.
 */
async function leaveBehind(): Promise<number> {
  const module = resolve(import.meta.dirname, '../../src/db/embedded.ts');
  const script = `const { startEmbedded } = await import(${JSON.stringify(module)}); await startEmbedded(${JSON.stringify(folder)}); console.log('ready'); setInterval(() => {}, 1000);`;
  const child: ChildProcess = spawn(process.execPath, ['--input-type=module', '-e', script]);
  await new Promise((done) => child.stdout?.once('data', done));
  const gone = new Promise((done) => child.once('exit', done));
  child.kill('SIGKILL');
  await gone;
  return pidOf();
}

test('where its database ends, the server says so in one sentence and exits with 1', async () => {
  const server = await startProcess({
    PATH: process.env['PATH'] ?? '',
    PROKURA_DATA: folder,
    PORT: String(await freePort()),
  });
  process.kill(pidOf(), 'SIGKILL');
  expect(await server.ended).toBe(1);
  expect(server.output()).toContain('The embedded PostgreSQL has stopped');
});

test('Ctrl-C: the terminal interrupts the whole process group, PostgreSQL goes last, one line says so, and the exit code is 0', async () => {
  const server = await startProcess(
    { PATH: process.env['PATH'] ?? '', PROKURA_DATA: folder, PORT: String(await freePort()) },
    { group: true },
  );
  const pid = pidOf();
  const before = server.output().length;
  expect(await server.kill('SIGINT')).toBe(0);
  expect(server.output().slice(before).trim().split('\n')).toEqual([
    'Stopping. Running work is finished first.',
    'Stopped.',
  ]);
  await eventually(() => Promise.resolve(!isAlive(pid)), 'PostgreSQL has stopped');
});
