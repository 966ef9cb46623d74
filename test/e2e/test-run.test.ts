import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
// Each run starts its own database while the rest of the suite runs.
const PATIENCE_MS = 180_000;
const CONFIG = '--config=test/proof/vitest.config.ts';

/** Runs a script of package.json with its arguments. */
async function run(command: string, args: readonly string[]): Promise<{ code: number | null; last: string }> {
  const child = spawn(process.execPath, [join(root, command), ...args], {
    cwd: root,
    // A nested run must not inherit anything from the outer one.
    env: Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^VITEST|^NODE_ENV$/.test(name))),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const code = new Promise<number | null>((done) => child.once('close', done));
  const [out] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await code, last: out.trimEnd().split('\n').at(-1) ?? '' };
}

test.each([
  ['must-fail', 1],
  ['must-pass', 0],
])(
  'npm test of %s, on the database of the suite, ends with exit code %i',
  async (name, code) => {
    expect(await run('node_modules/vitest/vitest.mjs', ['run', CONFIG, name])).toMatchObject({ code });
  },
  PATIENCE_MS,
);

test.each([
  ['must-fail', { code: 1, last: '0 passed, 1 failed' }],
  ['must-pass', { code: 0, last: '1 passed, 0 failed' }],
  ['unhandled', { code: 1, last: '1 passed, 1 failed' }],
  ['no-such-file', { code: 1, last: '0 passed, 1 failed' }],
])(
  'the tests as CI runs them say what %s came to, in the last line and by exit code',
  async (name, end) => {
    expect(await run('scripts/ci-tests.ts', [CONFIG, name])).toEqual(end);
  },
  PATIENCE_MS,
);
