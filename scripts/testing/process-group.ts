import { spawn, type ChildProcess } from 'node:child_process';

/** The end of a process. `code` is null if a signal ended it; `ms` is how long it ran. */
export interface Ended {
  readonly code: number | null;
  readonly output: string;
  readonly ms: number;
}

/**
 * A process in its own group, so that a signal reaches everything that it started, like Ctrl-C in a terminal.
 */
export class Group {
  readonly #child: ChildProcess;
  readonly #ended: Promise<Ended>;
  #said = '';

  /** Starts `program` in `folder`. `env` is added to the environment of this process. */
  constructor(
    program: string,
    args: readonly string[],
    folder: string,
    env: Readonly<Record<string, string>> = {},
  ) {
    const began = Date.now();
    this.#child = spawn(program, args, {
      cwd: folder,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.on('data', (chunk: Buffer) => (this.#said += chunk.toString()));
    this.#ended = new Promise((done, lost) => {
      this.#child.once('error', lost);
      this.#child.once('close', (code) => done({ code, output: this.#said, ms: Date.now() - began }));
    });
    // `end` reports whether it could be started.
    this.#ended.catch(() => {});
  }

  /** Everything that it has written to both streams. */
  get output(): string {
    return this.#said;
  }

  get over(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  signal(name: NodeJS.Signals): void {
    if (!this.over && this.#child.pid !== undefined) process.kill(-this.#child.pid, name);
  }

  /** Waits for its end, and kills it after `deadlineMs`. */
  async end(deadlineMs: number): Promise<Ended> {
    const timer = setTimeout(() => this.signal('SIGKILL'), deadlineMs);
    try {
      return await this.#ended;
    } finally {
      clearTimeout(timer);
    }
  }
}
