import type { Round } from './harness/measure.ts';
import { rowOf, type Row } from './harness/report.ts';
import type { Stage } from './harness/stage.ts';

const ENTRIES = 500;
const ROUNDS = 15;

/**
 * One ledger entry, 500 per transaction: the head locked, entries hashed, chained and written. Floor: a plain
 * INSERT of the same rows with given hashes, into a copy of the table with its indexes. Counts the CPU of the
 * server and of its PostgreSQL backend on both sides, as in `revoke-cascade`.
 */
export async function ledgerAppend({ server, scale }: Stage): Promise<Row[]> {
  const entries = Math.max(10, Math.round(ENTRIES * Math.min(scale, 1)));
  const run = (what: 'ours' | 'floor') => server.ask('append', { what, count: entries });
  for (let time = 0; time < 5; time += 1) {
    await run('ours');
    await run('floor');
  }
  const rounds: Round[] = [];
  for (let round = 0; round < (scale >= 1 ? ROUNDS : 1); round += 1)
    rounds.push({ ours: await run('ours'), floor: await run('floor') });
  return [rowOf('ledger-append', rounds, `${entries} entries a transaction, with PostgreSQL's CPU`)];
}
