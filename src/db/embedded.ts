import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import postgres, { type Sql } from 'postgres';
import { Fault } from '#lib/fault.ts';
import { newSecret } from '#lib/id.ts';
import { openPrograms, type Programs } from './embedded-programs.ts';

/** A PostgreSQL server of our own, in a process group of its own: Ctrl-C in a terminal does not reach it. */
export interface EmbeddedServer {
  /** Connection URL of the owner, to the database `prokura`. */
  readonly url: string;
  /** Settles when the server ends although nobody called `stop`. */
  readonly gone: Promise<void>;
  stop(): Promise<void>;
}

const OWNER = 'prokura_owner';

/**
 * Starts PostgreSQL 18 in `folder`, initialising it the first time (about two seconds); it listens on loopback only, on a free port, with a
 * password that is kept beside the data in a file of mode 0600. A server that a killed process left running there is taken over, and stopped
 * by `stop` like one of our own: its data directory allows only one. A pid file that names a process which is not PostgreSQL is removed.
 * Throws Fault `conflict` where a process that still runs uses this directory, `unavailable` where PostgreSQL is not installed for this
 * platform or cannot run here, with what to do.
 */
export async function startEmbedded(folder: string): Promise<EmbeddedServer> {
  // PostgreSQL's programs run in another working directory.
  const directory = resolve(folder);
  await mkdir(directory, { recursive: true });
  const data = join(directory, 'postgres');
  const programs = await openPrograms(data);
  // Its user must be able to pass through this directory, not to read it.
  await chmod(directory, programs.ownUser ? 0o700 : 0o711);
  const password = await passwordIn(join(directory, 'postgres-password'));
  const address = (port: number) => `postgres://${OWNER}:${password}@127.0.0.1:${port}`;
  if (!existsSync(join(data, 'PG_VERSION'))) await initialise(programs, directory, data, password);
  const port = (await runningPort(data, address)) ?? (await start(programs, directory, data));
  const forget = stopAtExit(data);
  try {
    const claim = await claimed(`${address(port)}/postgres`, directory);
    let stopping = false;
    return {
      url: `${address(port)}/prokura`,
      gone: claim.closed.then(() => (stopping ? new Promise<void>(() => {}) : undefined)),
      stop: async () => {
        stopping = true;
        await claim.session.end({ timeout: 1 });
        forget();
        await programs.run('pg_ctl', ['stop', '-D', data, '-m', 'fast', '-w', '-s']);
      },
    };
  } catch (error) {
    // It belongs to the process that holds the claim.
    forget();
    throw error;
  }
}

/** Makes the database cluster beside its place and moves it there whole: of two starts at once one is moved, and neither finds half of one. */
async function initialise(programs: Programs, directory: string, data: string, password: string) {
  const made = join(directory, `postgres-${newSecret(6)}.new`);
  const passwordFile = `${made}-password`;
  try {
    await programs.ownedFolder(made);
    await programs.ownedFile(passwordFile, password);
    const how = ['--auth=scram-sha-256', `--username=${OWNER}`, `--pwfile=${passwordFile}`];
    await programs.run('initdb', ['-D', made, ...how, '--encoding=UTF8', '--locale=C']);
    await rename(made, data).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(passwordFile, { force: true });
    await rm(made, { recursive: true, force: true });
  }
}

/** Starts the server on a free port and waits until it answers. */
async function start(programs: Programs, directory: string, data: string): Promise<number> {
  const port = await freePort();
  const log = join(directory, 'postgres.log');
  await programs.ownedFile(log, '');
  // Its log holds what keeps it from starting, and no statements.
  const options = `-p ${port} -h 127.0.0.1 -k "" -c max_connections=200 -c log_min_messages=fatal -c log_min_error_statement=panic`;
  const flags = ['-D', data, '-l', log, '-o', options, '-w', '-t', String(START_SECONDS), '-s'];
  try {
    await programs.run('pg_ctl', ['start', ...flags]);
    return port;
  } catch (cause) {
    // Two starts in the same second: the other one's server is there, and `claimed` says so.
    const other = portIn(data)?.port;
    if (other !== undefined) return other;
    const said = (await readFile(log, 'utf8').catch(() => '')).trim().split('\n').at(-1) ?? '';
    throw new Fault(
      'unavailable',
      `PostgreSQL did not start. It says: ${said || String(cause)}. Its log is ${log}.`,
      {
        cause,
      },
    );
  }
}

/** How long PostgreSQL may take to start, with recovery after a crash. */
const START_SECONDS = 120;

/** What a pid file says: the process, and the port that it listens on. */
function portIn(data: string): { pid: number; port: number } | undefined {
  try {
    const [pid, , , port] = readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n');
    return { pid: Number(pid), port: Number(port) };
  } catch {
    return undefined;
  }
}

/**
 * The port of a server that still runs on this data directory and takes our password, or null. A pid file of a process that is gone is left to
 * PostgreSQL, which knows what to do; it would believe one of a living process that merely has the same number, so that one is removed.
 */
async function runningPort(data: string, address: (port: number) => string): Promise<number | null> {
  const found = portIn(data);
  if (found === undefined || !isAlive(found.pid)) return null;
  for (let tries = 0; tries < 100 && isPostgres(found.pid); tries += 1) {
    if (Number.isInteger(found.port) && (await answers(`${address(found.port)}/postgres`, data)))
      return found.port;
    await sleep(100);
  }
  if (isPostgres(found.pid))
    throw new Fault(
      'conflict',
      `Process ${found.pid}, a PostgreSQL, uses the data folder ${data} and does not answer. Stop it, then start again.`,
    );
  await rm(join(data, 'postmaster.pid'), { force: true });
  return null;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Whether a living process is a PostgreSQL, as `ps` names it; where there is no `ps`, as /proc does. */
function isPostgres(pid: number): boolean {
  if (!isAlive(pid)) return false;
  try {
    return /postgres/.test(readFileSync(`/proc/${pid}/comm`, 'utf8'));
  } catch {
    return /postgres/.test(
      spawnSync('ps', ['-p', String(pid), '-o', 'comm='], { encoding: 'utf8' }).stdout ?? '',
    );
  }
}

async function answers(url: string, data: string): Promise<boolean> {
  const session = postgres(url, { max: 1, connect_timeout: 5, fetch_types: false, onnotice: () => {} });
  try {
    const [row] = await session<{ data: string }[]>`select current_setting('data_directory') as data`;
    return row !== undefined && resolve(row.data) === resolve(data);
  } catch {
    return false;
  } finally {
    await session.end({ timeout: 1 });
  }
}

/**
 * Takes the directory for this process, as long as it lives: a lock of a session, so that a process that was killed leaves none behind. In a
 * database of its own, since a database that somebody is connected to cannot be copied. Makes the database `prokura` where there is none yet.
 */
async function claimed(url: string, directory: string): Promise<{ session: Sql; closed: Promise<void> }> {
  const { promise: closed, resolve: close } = Promise.withResolvers<void>();
  const session = postgres(url, {
    max: 1,
    idle_timeout: 0,
    max_lifetime: null,
    fetch_types: false,
    onnotice: () => {},
    onclose: () => close(),
  });
  const [row] = await session<
    { mine: boolean }[]
  >`select pg_try_advisory_lock(hashtextextended('data folder', 0)) as mine`;
  if (row?.mine === true) {
    const [there] = await session`select from pg_database where datname = 'prokura'`;
    if (there === undefined) await session`create database prokura`;
    return { session, closed };
  }
  await session.end({ timeout: 1 });
  throw new Fault(
    'conflict',
    `The data folder ${directory} is in use: another Prokura runs with it. Stop that one, or start this one with PROKURA_DATA set to another folder and PORT to another port.`,
  );
}

/** The password in a file of mode 0600; a new one where there is none yet. Of two starts at once, one makes it. */
async function passwordIn(file: string): Promise<string> {
  await writeFile(file, newSecret(), { mode: 0o600, flag: 'wx' }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  return (await readFile(file, 'utf8')).trim();
}

/** Tells the server in `data` to stop (fast shutdown) when this process exits without having stopped it. Answers how to take that back. */
function stopAtExit(data: string): () => void {
  const stop = () => {
    try {
      process.kill(portIn(data)?.pid ?? Number.NaN, 'SIGINT');
    } catch {
      // It has stopped already.
    }
  };
  process.once('exit', stop);
  return () => void process.removeListener('exit', stop);
}

/** A TCP port on loopback that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((done, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() =>
        address !== null && typeof address === 'object' ? done(address.port) : reject(new Error('no port')),
      );
    });
  });
}
