import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, globSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { eventually } from '../support/world.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const demo = (...args: string[]) =>
  spawnSync(process.execPath, ['scripts/demo/main.ts', ...args], {
    cwd: ROOT,
    encoding: 'utf8',
    timeout: 600_000,
  });

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe('npm run demo', () => {
  test.each([
    ['main', 17],
    ['delegation', 21],
    ['tokens', 13],
  ])(
    'tells the story "%s" on a fresh instance, one JSON object a line, and passes',
    (story, atLeast) => {
      const { status, stdout, stderr } = demo('--json', `--story=${story}`);
      expect(stderr).toBe('');
      const lines = stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>);
      const steps = lines.slice(0, -1);
      expect(steps.filter((step) => step['ok'] !== true)).toEqual([]);
      for (const step of steps) expect(Object.keys(step)).toEqual(['step', 'ok', 'detail', 'ms']);
      expect(lines.at(-1)).toEqual({ demo: 'passed', steps: steps.length });
      expect(steps.length).toBeGreaterThanOrEqual(atLeast);
      // Evidence names tokens by their claims and never contains a token.
      expect(stdout).not.toMatch(/eyJ[\w-]{20,}\.[\w-]{20,}\.|mk_(?:live|test)_|xoxb-/);
      expect(status).toBe(0);
    },
    620_000,
  );

  test('help, and a sentence for an option or a story that it does not have', () => {
    expect(demo('--help')).toMatchObject({
      status: 0,
      stderr: '',
      stdout: expect.stringContaining('--story=NAME'),
    });
    const unknown = { status: 2, stdout: '' };
    expect(demo('--story=fairy')).toMatchObject({
      ...unknown,
      stderr: 'Unknown story "fairy". Stories: main, delegation, tokens\n',
    });
    expect(demo('--stroy=main')).toMatchObject({
      ...unknown,
      stderr: "Unknown option '--stroy'. Run: npm run demo -- --help\n",
    });
  });

  test.each([
    ['its reader goes away, as with | head', 'pipe', 141],
    ['Ctrl-C', 'interrupt', 130],
  ])(
    'after %s, server, PostgreSQL and folder are gone',
    async (_, how, expected) => {
      const folder = mkdtempSync(join(tmpdir(), 'prokura-demos-'));
      // The user that runs PostgreSQL must be able to enter it.
      chmodSync(folder, 0o755);
      const child = spawn(process.execPath, ['scripts/demo/main.ts'], {
        cwd: ROOT,
        env: { PATH: process.env['PATH'], TMPDIR: folder },
        stdio: ['ignore', 'pipe', 'inherit'],
        // A terminal sends Ctrl-C to the whole group.
        detached: true,
      });
      try {
        const code = new Promise<number | null>((done) => child.on('exit', done));
        await new Promise<void>((begun) => {
          let said = '';
          child.stdout.on('data', (piece: Buffer) => {
            said += piece.toString();
            if (said.includes('\n1. ')) begun();
          });
        });
        const text = (name: string) => readFileSync(globSync(`${folder}/*/**/${name}`)[0] ?? name, 'utf8');
        const postgres = Number(text('postmaster.pid').split('\n')[0]);
        const { issuer } = JSON.parse(text('sandbox-keys.json')) as { issuer: string };
        expect((await fetch(new URL('/healthz', issuer))).status).toBe(200);

        if (how === 'pipe') child.stdout.destroy();
        else process.kill(-(child.pid ?? Number.NaN), 'SIGINT');
        expect(await code).toBe(expected);
        await expect(fetch(new URL('/healthz', issuer))).rejects.toThrow('fetch failed');
        // The entry of an ended process may remain for a moment.
        await eventually(() => Promise.resolve(!isAlive(postgres)), 'PostgreSQL has stopped');
        expect(readdirSync(folder)).toEqual([]);
      } finally {
        child.kill('SIGKILL');
        rmSync(folder, { recursive: true, force: true });
      }
    },
    400_000,
  );
});
