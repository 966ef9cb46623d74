import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
const demo = (...args: string[]) =>
  spawnSync(process.execPath, ['scripts/demo/main.ts', ...args], {
    cwd: ROOT,
    encoding: 'utf8',
    timeout: 600_000,
  });

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
      // Evidence names tokens by their claims, never the tokens themselves.
      expect(stdout).not.toMatch(/eyJ[\w-]{20,}\.[\w-]{20,}\.|mk_(?:live|test)_|xoxb-/);
      expect(status).toBe(0);
    },
    620_000,
  );

  test('an unknown story is refused with those that there are', () => {
    const { status, stderr } = demo('--story=fairy');
    expect(status).toBe(2);
    expect(stderr).toContain('There are: main, delegation, tokens');
  });
});
