import { fork } from 'node:child_process';
import { once } from 'node:events';

/** What a process answers over its control channel. Argument and result must be structured-cloneable. */
export type Methods = Record<string, (input: never) => unknown>;

/** A process of the benchmark, seen from the harness. */
export interface Child<M extends Methods> {
  /** Rejects with the message of what the method threw, or if the process has ended. */
  ask<K extends keyof M & string>(method: K, input: Parameters<M[K]>[0]): Promise<Awaited<ReturnType<M[K]>>>;
  /** Closes the channel, after which the process ends by itself. Kills it after fifteen seconds. */
  stop(): Promise<void>;
}

interface Asked {
  readonly id: number;
  readonly method: string;
  readonly input: unknown;
}

interface Answered {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}

/**
 * Starts a file of `bench/processes` with this Node. Its output goes to stderr, since stdout is for the rows.
 */
export function startChild<M extends Methods>(file: string): Child<M> {
  const child = fork(new URL(`../processes/${file}`, import.meta.url), {
    serialization: 'advanced',
    stdio: ['ignore', 2, 2, 'ipc'],
  });
  const open = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  let last = 0;
  child.on('message', (message) => {
    const { id, value, error } = message as Answered;
    const asked = open.get(id);
    open.delete(id);
    if (error === undefined) asked?.resolve(value);
    else asked?.reject(new Error(`${file}: ${error}`));
  });
  child.on('exit', (code, signal) => {
    for (const asked of open.values()) asked.reject(new Error(`${file} ended with ${signal ?? code}`));
    open.clear();
  });
  return {
    ask: (method, input) =>
      new Promise<never>((resolve, reject) => {
        last += 1;
        open.set(last, { resolve, reject });
        const asked: Asked = { id: last, method, input };
        child.send(asked, (error) => error !== null && reject(error));
      }),
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      const late = setTimeout(() => child.kill('SIGKILL'), 15_000);
      if (child.connected) child.disconnect();
      await ended;
      clearTimeout(late);
    },
  };
}

/**
 * Runs in the process: answers every request with its method, and runs `end` before it exits when the harness
 * has gone.
 */
export function serveParent(methods: Methods, end: () => Promise<void> = () => Promise.resolve()): void {
  process.on('message', (message) => {
    const { id, method, input } = message as Asked;
    const run = methods[method] as ((input: unknown) => unknown) | undefined;
    Promise.resolve()
      .then(() => {
        if (run === undefined) throw new Error(`there is no method ${method}`);
        return run(input);
      })
      .then(
        (value): Answered => ({ id, value }),
        (error: unknown): Answered => ({
          id,
          error: error instanceof Error ? (error.stack ?? error.message) : String(error),
        }),
      )
      .then((answered) => process.send?.(answered))
      .catch(() => {});
  });
  process.once('disconnect', () => {
    end().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  });
  // Ctrl-C reaches the whole process group. The harness closes in order, and this process ends with its
  // channel.
  process.on('SIGINT', () => {});
}

/**
 * The CPU time of this process so far, user and system of all threads, in microseconds (getrusage(2),
 * RUSAGE_SELF).
 */
export function cpuMicros(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}
