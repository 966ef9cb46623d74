import { secretRequests } from './exchange.ts';
import { measureHttp, requestsNeeded, scaled, type Amount } from './harness/measure.ts';
import { wallRemark } from './harness/remark.ts';
import { rowOf, type Row } from './harness/report.ts';
import type { Stage } from './harness/stage.ts';
import type { LoadRequest } from './processes/load.ts';

const AMOUNT: Amount = { warmUp: 1500, warmUps: 4, perRound: 600, rounds: 7 };
// Tokens that are introspected in turn, as a resource server does while each is in use.
const TOKENS = 50;

/**
 * Introspection (RFC 7662) by a resource server with its API key. Key and standing are read for every
 * request. Floor: the bare echo.
 */
export async function introspect(stage: Stage): Promise<Row[]> {
  const { fixtures } = stage;
  const amount = scaled(AMOUNT, stage.scale);
  const tokens = await delegationTokens(stage, TOKENS);
  const path = `${new URL(fixtures.issuer).pathname}/oauth2/introspect`;
  const requests = Array.from({ length: requestsNeeded(amount) }, (_, index): LoadRequest => ({
    method: 'POST',
    path,
    headers: {
      authorization: `Bearer ${fixtures.introspectKey}`,
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: new URLSearchParams({ token: tokens[index % tokens.length] ?? '' }).toString(),
  }));
  const { rounds, wall } = await measureHttp(stage, amount, requests, '"active":true');
  return [rowOf('introspect', rounds, wallRemark(wall, amount.perRound))];
}

/** Delegation tokens of the agent with a secret, for MCP. */
export async function delegationTokens({ okta, fixtures }: Stage, count: number): Promise<string[]> {
  const tokens: string[] = [];
  for (const { path, headers, body = '' } of await secretRequests(okta, fixtures, count)) {
    const response = await fetch(`${fixtures.url}${path}`, { method: 'POST', headers, body });
    const answer = (await response.json()) as { access_token?: string };
    if (answer.access_token === undefined)
      throw new Error(`no token: ${response.status} ${JSON.stringify(answer)}`);
    tokens.push(answer.access_token);
  }
  return tokens;
}
