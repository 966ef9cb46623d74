import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import postgres, { type Sql } from 'postgres';
import { freePort } from '#db/embedded.ts';
import { startOktaSimulator, type OktaSimulator } from '#sandbox/okta/index.ts';
import { startSlackSimulator, type SlackSimulator } from '#sandbox/slack/index.ts';
import { copyDatabase } from './copy-database.ts';
import { layWire, type Wire } from './proxy.ts';

/** A server in its own process, which can be killed. */
export interface ServerProcess {
  readonly url: string;
  /** Everything that it has written so far. */
  output(): string;
  /**
   * Sends a signal and waits for the end. Signals the whole process group, as a terminal does, if it has its
   * own.
   */
  kill(signal: 'SIGKILL' | 'SIGTERM' | 'SIGINT'): Promise<number | null>;
  /** Resolves with its exit code when it ends. */
  readonly ended: Promise<number | null>;
}

/** One database and one pair of simulators, for any number of server processes. */
export interface Fleet {
  readonly okta: OktaSimulator;
  readonly slack: SlackSimulator;
  readonly sql: Sql;
  readonly folder: string;
  readonly wire: Wire | null;
  start(more?: Record<string, string>): Promise<ServerProcess>;
  close(): Promise<void>;
}

const ROOT = resolve(import.meta.dirname, '../..');

/**
 * Creates the database and the simulators, without a server. Every server publishes the same address, that of
 * the first.
 */
export async function openFleet(options: { wire?: boolean } = {}): Promise<Fleet> {
  const databaseUrl = await copyDatabase();
  const wire = options.wire === true ? await layWire(databaseUrl) : null;
  const ownerUrl = wire?.url ?? databaseUrl;
  const folder = await mkdtemp(join(tmpdir(), 'prokura-fleet-'));
  const [okta, slack] = [await startOktaSimulator(), await startSlackSimulator({})];
  const sql = postgres(databaseUrl, { max: 2, onnotice: () => {} });
  const running: ServerProcess[] = [];
  const publicPort = await freePort();
  const env = {
    PATH: process.env['PATH'] ?? '',
    PROKURA_DATA: folder,
    DATABASE_URL: ownerUrl,
    LOG_LEVEL: 'info',
    PUBLIC_URL: `http://127.0.0.1:${publicPort}`,
    MCP_HOLD_SECONDS: '1',
    SANDBOX_OKTA_URL: okta.url,
    SANDBOX_SLACK_URL: slack.url,
    SANDBOX_SLACK_BOT_TOKEN: slack.botToken,
    SANDBOX_SLACK_SIGNING_SECRET: slack.signingSecret,
  };
  return {
    okta,
    slack,
    sql,
    folder,
    wire,
    start: async (more = {}) => {
      const port = running.length === 0 ? publicPort : await freePort();
      const one = await startProcess({ ...env, PORT: String(port), ...more });
      running.push(one);
      return one;
    },
    close: async () => {
      for (const one of running) await one.kill('SIGKILL');
      await slack.close();
      await okta.close();
      await sql.end();
      await wire?.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

// How long a server may take to start on a busy machine.
const START_MS = 150_000;
// How long to wait for the last output of a process that has ended.
const LAST_WORDS_MS = 10_000;

/**
 * Starts `src/main/main.ts` and waits for its banner. `group` gives it its own process group. Rejects with
 * its output if it ends before or takes too long, and leaves no process behind.
 */
export async function startProcess(
  env: Record<string, string>,
  { group = false } = {},
): Promise<ServerProcess> {
  const child = spawn(process.execPath, ['src/main/main.ts'], {
    cwd: ROOT,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: group,
  });
  const ended = new Promise<number | null>((done) => child.once('exit', done));
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const closed = new Promise((done) => child.once('close', done));
  for (const deadline = Date.now() + START_MS; !said.includes('readyz'); await sleep(25)) {
    if (child.exitCode === null && Date.now() <= deadline) continue;
    child.kill('SIGKILL');
    // Its last output may still be in the pipe, and a database that it left behind may keep the pipe open.
    await Promise.race([closed, sleep(LAST_WORDS_MS)]);
    throw new Error(`the server did not start (exit ${child.exitCode}):\n${said}`);
  }
  return {
    url: `http://127.0.0.1:${env['PORT']}`,
    output: () => said,
    ended,
    kill: async (signal) => {
      if (child.exitCode === null && child.signalCode === null) {
        if (group && child.pid !== undefined) process.kill(-child.pid, signal);
        else child.kill(signal);
      }
      return ended;
    },
  };
}
