import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '#db/embedded.ts';
import type { SetUpAnswer } from '#engine/set-up.ts';

/**
 * A fresh sandbox: a server process of its own, on a database of its own, in a folder that is deleted
 * afterwards.
 */
export interface Instance {
  readonly url: string;
  readonly oktaUrl: string;
  readonly slackUrl: string;
  readonly company: SetUpAnswer;
  /** A folder for files of the demo; goes with the rest. */
  readonly folder: string;
  stop(): Promise<void>;
}

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** How long the server may take to start and to stop, in seconds, where the machine is busy. */
const START_SECONDS = 240;
const STOP_SECONDS = 60;
/** How long the last words of a server that did not start are waited for, in milliseconds. */
const LAST_WORDS_MS = 5000;

/**
 * Starts it as a user would, and waits until it is ready. Rejects, and leaves nothing behind, with the
 * process's own words where it does not start within four minutes, and where `stopped` is aborted before.
 */
export async function startInstance(stopped: AbortSignal): Promise<Instance> {
  const folder = await mkdtemp(join(tmpdir(), 'prokura-demo-'));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const env = {
    PATH: process.env['PATH'] ?? '',
    PORT: String(port),
    PROKURA_DATA: folder,
    LOG_LEVEL: 'warn',
    MCP_HOLD_SECONDS: '2',
    // A client on this machine has no https address of its own, so it registers itself.
    OAUTH_DCR: '1',
  };
  const child = spawn(process.execPath, ['src/main/main.ts'], {
    cwd: ROOT,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own: Ctrl-C in a terminal reaches the demo, which then ends the server.
    detached: true,
  });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const stop = async () => {
    await ended(child);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const deadline = Date.now() + START_SECONDS * 1000;
    while (!said.includes('Prokura listens')) {
      stopped.throwIfAborted();
      if (child.exitCode !== null) {
        // Its last words may still be in the pipe.
        await Promise.race([once(child, 'close'), sleep(LAST_WORDS_MS)]);
        throw new Error(`The server did not start:\n${said}`);
      }
      if (Date.now() > deadline)
        throw new Error(`The server did not start within ${START_SECONDS} s (slow machine?):\n${said}`);
      await sleep(50);
    }
    const company = JSON.parse(await readFile(join(folder, 'sandbox-keys.json'), 'utf8')) as SetUpAnswer;
    const ports = JSON.parse(await readFile(join(folder, 'sandbox.json'), 'utf8')) as {
      oktaPort: number;
      slackPort: number;
    };
    return {
      url,
      oktaUrl: `http://127.0.0.1:${ports.oktaPort}`,
      slackUrl: `http://127.0.0.1:${ports.slackPort}`,
      company,
      folder,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  await Promise.race([gone, sleep(STOP_SECONDS * 1000, undefined, { ref: false })]);
  child.kill('SIGKILL');
}
