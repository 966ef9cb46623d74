import { scaled, type Amount, type Round } from './harness/measure.ts';
import { rowOf, type Row } from './harness/report.ts';
import type { Stage } from './harness/stage.ts';

const AMOUNT: Amount = { warmUp: 600, perRound: 200, rounds: 7 };
const CONCURRENCY = 8;
// The floor is so cheap that it runs more often, for the same precision.
const REPEATS = 4;

/**
 * The decision alone, without HTTP, inside the server process: an agent asks for `okta_reset_mfa` on its
 * principal's report. Floor: one read by primary key, and Cedar with prepared entities.
 */
export async function decide({ server, scale }: Stage): Promise<Row[]> {
  const { warmUp, perRound, rounds: times } = scaled(AMOUNT, scale);
  const run = (what: 'ours' | 'floor', operations: number) =>
    server.ask('decide', { tool: 'okta_reset_mfa', what, operations, concurrency: CONCURRENCY });
  await run('ours', warmUp);
  await run('floor', warmUp);
  const rounds: Round[] = [];
  for (let round = 0; round < times; round += 1) {
    rounds.push({ ours: await run('ours', perRound), floor: await run('floor', perRound * REPEATS) });
  }
  return [rowOf('decide', rounds, '')];
}
