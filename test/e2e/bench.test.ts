import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { BENCHMARKS } from '../../bench/benchmarks.ts';
import { median, requestsNeeded, scaled } from '../../bench/harness/measure.ts';
import { jsonLine, rowOf } from '../../bench/harness/report.ts';

/** Runs the command that `npm run bench` runs. */
async function bench(args: string[], env: Record<string, string> = {}) {
  const main = fileURLToPath(new URL('../../bench/main.ts', import.meta.url));
  const child = spawn(process.execPath, [main, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const code = new Promise<number | null>((resolve) => child.once('close', resolve));
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await code, out, err };
}

describe('npm run bench', () => {
  it('keeps the names that other checks read', () => {
    expect([...BENCHMARKS.keys()]).toEqual(
      expect.arrayContaining(['exchange', 'mcp-call', 'scim-get', 'decide', 'verify-api']),
    );
  });

  it('refuses an unknown name, lists those that there are, and starts nothing', async () => {
    const { code, out, err } = await bench(['decide', 'warp-drive', '--json']);
    expect(code).toBe(1);
    expect(out).toBe('');
    expect(err).toContain('warp-drive');
    for (const name of BENCHMARKS.keys()) expect(err).toContain(name);
  });

  it('refuses an option that it does not have', async () => {
    const { code, out, err } = await bench(['--fast']);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toContain('--json');
  });

  it('measures the real server and prints nothing but its JSON lines', async () => {
    const { code, out, err } = await bench(['decide', '--json'], { BENCH_SCALE: '0.01' });
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const lines = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines).toEqual([
      {
        name: 'decide',
        ours: expect.any(Number),
        floor: expect.any(Number),
        ratio: expect.any(Number),
        unit: 'us CPU/op',
      },
    ]);
    expect(Object.keys(lines[0] ?? {})).toEqual(['name', 'ours', 'floor', 'ratio', 'unit']);
    expect(Number(lines[0]?.['floor'])).toBeGreaterThan(0);
    expect(Number(lines[0]?.['ratio'])).toBeGreaterThan(0);
  });
});

describe('a row', () => {
  it('is the median of the ratios of its rounds, so that one disturbed round does not move it', () => {
    const rounds = [
      { ours: 400, floor: 100 },
      { ours: 9000, floor: 100 },
      { ours: 430, floor: 100 },
    ];
    const row = rowOf('x', rounds, '');
    expect(row).toMatchObject({ ours: 430, floor: 100, ratio: 4.3, spread: [4, 90] });
    expect(JSON.parse(jsonLine(row))).toEqual({
      name: 'x',
      ours: 430,
      floor: 100,
      ratio: 4.3,
      unit: 'us CPU/op',
    });
    expect(() => rowOf('x', [], '')).toThrow('no round');
  });

  it('takes the mean of the two middle rounds of an even number', () => {
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(median([7])).toBe(7);
  });

  it('scales down to at least two operations in one round, and up only in operations', () => {
    const amount = { warmUp: 600, perRound: 200, rounds: 7 };
    expect(scaled(amount, 0.001)).toEqual({ warmUp: 2, warmUps: 1, perRound: 2, rounds: 1 });
    expect(scaled(amount, 2)).toEqual({ warmUp: 1200, warmUps: 1, perRound: 400, rounds: 7 });
    expect(requestsNeeded(amount)).toBe(2000);
  });
});
