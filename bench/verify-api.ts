import { samplePerson } from '#sandbox/company.ts';
import { measureHttp, requestsNeeded, scaled, type Amount } from './harness/measure.ts';
import { wallRemark } from './harness/remark.ts';
import { rowOf, type Row } from './harness/report.ts';
import type { Stage } from './harness/stage.ts';
import { AGENT, PRINCIPAL } from './processes/fixtures.ts';
import type { LoadRequest } from './processes/load.ts';

const AMOUNT: Amount = { warmUp: 1200, perRound: 400, rounds: 7 };
const CONCURRENCY = 8;

/**
 * `POST /v1/verify` with an API key, as another system asks: may this agent do this for this person? Agent
 * and person are found by name and work email, policy decides, and the ledger entry is written before the
 * answer. The action needs no request to the provider. Floor: the bare echo, one read by primary key, and
 * Cedar with prepared entities.
 */
export async function verifyApi(stage: Stage): Promise<Row[]> {
  const amount = scaled(AMOUNT, stage.scale);
  const check = { agent: AGENT, principal: samplePerson(PRINCIPAL).email, action: 'okta.users.read' };
  const request: LoadRequest = {
    method: 'POST',
    path: '/v1/verify',
    headers: {
      authorization: `Bearer ${stage.fixtures.verifyKey}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify(check),
  };
  const requests = Array.from({ length: requestsNeeded(amount) }, () => request);
  const decision = (operations: number) =>
    stage.server.ask('decide', {
      tool: 'okta_find_user',
      what: 'floor',
      operations,
      concurrency: CONCURRENCY,
    });
  await decision(amount.warmUp);
  const decisions: number[] = [];
  const { rounds, wall } = await measureHttp(stage, amount, requests, '"decision":"allow"', {
    between: async () => {
      decisions.push(await decision(amount.perRound * 2));
    },
  });
  const whole = rounds.map(({ ours, floor }, index) => ({ ours, floor: floor + (decisions[index] ?? 0) }));
  return [rowOf('verify-api', whole, wallRemark(wall, amount.perRound))];
}
