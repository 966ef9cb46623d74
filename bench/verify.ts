import { delegationTokens } from './introspect.ts';
import type { Round } from './harness/measure.ts';
import { rowOf, type Row } from './harness/report.ts';
import type { Stage } from './harness/stage.ts';

const OPERATIONS = 1500;
const ROUNDS = 7;
const CONCURRENCY = 16;

/**
 * How our own interfaces check a delegation token, without HTTP: the signature (of a new token each time),
 * the claims, and all that it depends on, read now. Floor: ES256 verify and one read by primary key.
 */
export async function verify(stage: Stage): Promise<Row[]> {
  const operations = Math.max(CONCURRENCY, Math.round(OPERATIONS * stage.scale));
  const [token = ''] = await delegationTokens(stage, 1);
  const run = (what: 'ours' | 'floor') =>
    stage.server.ask('verify', { what, operations, concurrency: CONCURRENCY, token });
  await run('ours');
  await run('floor');
  const rounds: Round[] = [];
  for (let round = 0; round < (stage.scale >= 1 ? ROUNDS : 1); round += 1)
    rounds.push({ ours: await run('ours'), floor: await run('floor') });
  return [rowOf('verify', rounds, '')];
}
