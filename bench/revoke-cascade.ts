import type { Round } from './harness/measure.ts';
import { rowOf, type Row } from './harness/report.ts';
import type { Stage } from './harness/stage.ts';

const MANDATES = 10_000;
const ROUNDS = 5;

/**
 * Revokes the root of a tree of 10,000 mandates in one transaction: finds, locks and ends them, hashes and
 * writes 10,000 ledger entries, and queues facts and notices. Floor: one UPDATE of as many rows. Counts the
 * CPU of the server process and of its PostgreSQL backend on both sides, since the floor is all PostgreSQL's.
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
