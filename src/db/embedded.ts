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

/**
 * A PostgreSQL server of our own. It runs in its own process group, so Ctrl-C in a terminal does not reach
 * it.
 */
export interface EmbeddedServer {
  /** Connection URL of the owner, to the database `prokura`. */
  readonly url: string;
  /** Resolves if the server ends without a call of `stop`. */
  readonly gone: Promise<void>;
  /** Stops the server and waits for its end. */
  stop(): Promise<void>;
}

const OWNER = 'prokura_owner';

/**
 * Starts PostgreSQL 18 in `folder` and initialises it the first time, which takes about two seconds. It
 * listens on loopback only, on a free port, with a password that is stored beside the data in a file of mode
 * 0600. If a killed process left a server running there, that server is used, and `stop` stops it: only one
 * can use the data directory. A pid file that names a process which is not PostgreSQL is removed. Throws
 * Fault `conflict` if a running process uses this directory, and `unavailable` with what to do if PostgreSQL
 * is not installed for this platform or cannot run here. Calls `isBusy` whenever one of PostgreSQL's programs
 * has been started: a good time for work that blocks this process.
 */
export async function startEmbedded(folder: string, isBusy: () => void = () => {}): Promise<EmbeddedServer> {
  // PostgreSQL's programs run in another working directory, so the path must be absolute.
  const directory = resolve(folder);
  await mkdir(directory, { recursive: true });
  const data = join(directory, 'postgres');
  const opened = await openPrograms(data);
  const programs: Programs = {
    ...opened,
    run: (program, args) => {
      const ended = opened.run(program, args);
      isBusy();
      return ended;
    },
  };
  // The server's user must be able to enter this directory, but not to list it.
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
    // The server belongs to the process that holds the claim.
    forget();
    throw error;
  }
}

/**
 * Creates the database cluster in another folder and moves it into place as a whole. Of two concurrent
 * starts, one moves its cluster, and neither ever finds an incomplete one.
 */
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

/** Starts the server on a free port, waits until it answers, and returns the port. */
async function start(programs: Programs, directory: string, data: string): Promise<number> {
  const port = await freePort();
  const log = join(directory, 'postgres.log');
  await programs.ownedFile(log, '');
  // The log shows what prevents a start, but no statements.
  const options = `-p ${port} -h 127.0.0.1 -k "" -c max_connections=200 -c log_min_messages=fatal -c log_min_error_statement=panic`;
  const flags = ['-D', data, '-l', log, '-o', options, '-w', '-t', String(START_SECONDS), '-s'];
  try {
    await programs.run('pg_ctl', ['start', ...flags]);
    return port;
  } catch (cause) {
    // Two starts in the same second: the other one's server is running, and `claimed` reports it.
    const other = portIn(data)?.port;
    if (other !== undefined) return other;
    const said = (await readFile(log, 'utf8').catch(() => '')).trim().split('\n').at(-1) ?? '';
    throw new Fault(
      'unavailable',
      `PostgreSQL did not start: ${said || String(cause)}. See the log in ${log}.`,
      {
        cause,
      },
    );
  }
}

/**
 * The owner's URL of the embedded server of a folder that runs now, by its own files; null where none does.
 * Starts and changes nothing.
 */
export function runningEmbedded(folder: string): string | null {
  const found = portIn(join(resolve(folder), 'postgres'));
  if (found === undefined || !isPostgres(found.pid)) return null;
  try {
    const password = readFileSync(join(resolve(folder), 'postgres-password'), 'utf8').trim();
    return `postgres://${OWNER}:${password}@127.0.0.1:${found.port}/prokura`;
  } catch {
    return null;
  }
}

/** How long PostgreSQL may take to start, including recovery after a crash. */
const START_SECONDS = 120;

/** The process and the port that a pid file names. */
function portIn(data: string): { pid: number; port: number } | undefined {
  try {
    const [pid, , , port] = readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n');
    return { pid: Number(pid), port: Number(port) };
  } catch {
    return undefined;
  }
}

/**
 * The port of a server that runs on this data directory and accepts our password, or null. A pid file whose
 * process has ended is left to PostgreSQL, which handles it. But if another process now has the same number,
 * PostgreSQL would take it for a server, so that pid file is removed.
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
      `A PostgreSQL (process ${found.pid}) uses the data folder ${data} but does not respond. Stop that process, then start again.`,
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

/** Whether the process runs and is a PostgreSQL, by /proc or, without /proc, by `ps`. */
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
 * Claims the directory for this process as long as it lives. The claim is a session lock, so a killed process
 * leaves none behind. It is held in another database, because a database with connections cannot be copied.
 * Creates the database `prokura` if it does not exist yet. Fault `conflict` if another process has the claim.
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
    `Another Prokura is using the data folder ${directory}. Stop it, or set PROKURA_DATA to another folder and PORT to another port.`,
  );
}

/**
 * The password in a file of mode 0600, which is created if it does not exist. Of two concurrent starts, one
 * creates it.
 */
async function passwordIn(file: string): Promise<string> {
  await writeFile(file, newSecret(), { mode: 0o600, flag: 'wx' }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  return (await readFile(file, 'utf8')).trim();
}

/**
 * Stops the server in `data` (fast shutdown) when this process exits without having stopped it. Returns a
 * function that cancels this.
 */
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

/** A TCP port on loopback that was free a moment ago. Another process may take it before it is used. */
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
