import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { exchangeRequests } from './exchange.ts';
import { measureHttp, requestsNeeded, scaled, type Amount } from './harness/measure.ts';
import { wallRemark } from './harness/remark.ts';
import { rowOf, type Row } from './harness/report.ts';
import type { Stage } from './harness/stage.ts';
import type { LoadRequest } from './processes/load.ts';

const AMOUNT: Amount = { warmUp: 600, perRound: 150, rounds: 7 };

/**
 * `tools/call` of `mandate_show` at `/mcp`, MCP 2026-07-28 over Streamable HTTP, with one delegation token, as an agent sends it: the
 * bytes are those of the official client. Floor: the bare echo.
 */
export async function mcpCall(stage: Stage): Promise<Row[]> {
  const amount = scaled(AMOUNT, stage.scale);
  const request = await recordedCall(stage, await delegationToken(stage));
  const requests = Array.from({ length: requestsNeeded(amount) }, () => request);
  const { rounds, wall } = await measureHttp(
    stage,
    amount,
    requests,
    `\\"mandate_id\\":\\"${stage.fixtures.mandateId}\\"`,
  );
  return [rowOf('mcp-call', rounds, wallRemark(wall, amount.perRound))];
}

async function delegationToken({ okta, fixtures }: Stage): Promise<string> {
  const [request] = await exchangeRequests(okta, fixtures, 1);
  if (request === undefined) throw new Error('no exchange request was made');
  const { path, headers, body = '' } = request;
  const response = await fetch(`${fixtures.url}${path}`, { method: 'POST', headers, body });
  const answer = (await response.json()) as { access_token?: string };
  if (answer.access_token === undefined)
    throw new Error(`no token: ${response.status} ${JSON.stringify(answer)}`);
  return answer.access_token;
}

/** What the official client sends for one call; it holds nothing of its own that a second sending would break. */
async function recordedCall({ fixtures }: Stage, token: string): Promise<LoadRequest> {
  const recorded: LoadRequest[] = [];
  const transport = new StreamableHTTPClientTransport(new URL(`${fixtures.url}/mcp`), {
    requestInit: { headers: { authorization: `Bearer ${token}` } },
    fetch: (url, init) => {
      const { pathname } = new URL(url);
      const { body } = init ?? {};
      if (typeof body === 'string' && body.includes('"tools/call"')) {
        recorded.push({
          method: 'POST',
          path: pathname,
          headers: Object.fromEntries(new Headers(init?.headers)),
          body,
        });
      }
      return fetch(url, init);
    },
  });
  const client = new Client(
    { name: 'benchmark', version: '1.0.0' },
    { versionNegotiation: { mode: 'auto' } },
  );
  await client.connect(transport);
  const result = await client.callTool({
    name: 'mandate_show',
    arguments: { mandate_id: fixtures.mandateId },
  });
  await client.close();
  const [request] = recorded;
  if (request === undefined || result.isError === true)
    throw new Error(`the call failed: ${JSON.stringify(result)}`);
  return request;
}
