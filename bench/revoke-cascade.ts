import type { Round } from './harness/measure.ts';
import { rowOf, type Row } from './harness/report.ts';
import type { Stage } from './harness/stage.ts';

const MANDATES = 10_000;
const ROUNDS = 5;

/**
 * One revocation of the root of a tree of 10,000 mandates: found, locked, ended, 10,000 ledger entries hashed and written, facts and
 * notices queued, in one transaction. Floor: one UPDATE of as many rows. Counted: CPU of the server process and of the PostgreSQL
 * backend that it works through, on both sides alike, since the floor is all PostgreSQL's.
 */
export async function revokeCascade({ server, scale }: Stage): Promise<Row[]> {
  const mandates = Math.max(20, Math.round(MANDATES * Math.min(scale, 1)));
  const run = (what: 'ours' | 'floor') => server.ask('cascade', { what, count: mandates });
  await run('ours');
  await run('floor');
  const rounds: Round[] = [];
  for (let round = 0; round < (scale >= 1 ? ROUNDS : 1); round += 1)
    rounds.push({ ours: await run('ours'), floor: await run('floor') });
  return [rowOf('revoke-cascade', rounds, `${mandates} mandates an operation, with PostgreSQL's CPU`)];
}
