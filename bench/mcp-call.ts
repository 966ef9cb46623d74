import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { delegationTokens } from './introspect.ts';
import { measureHttp, requestsNeeded, scaled, type Amount } from './harness/measure.ts';
import { wallRemark } from './harness/remark.ts';
import { rowOf, type Row } from './harness/report.ts';
import type { Stage } from './harness/stage.ts';
import type { LoadRequest } from './processes/load.ts';

const AMOUNT: Amount = { warmUp: 600, warmUps: 2, perRound: 150, rounds: 7 };

/**
 * `tools/call` of `mandate_show` at `/mcp`, MCP 2026-07-28 over Streamable HTTP, with one delegation token.
 * The bytes are those of the official client. Floor: the bare echo.
 */
export async function mcpCall(stage: Stage): Promise<Row[]> {
  const amount = scaled(AMOUNT, stage.scale);
  const [token = ''] = await delegationTokens(stage, 1);
  const request = await recordedCall(stage, token);
  const requests = Array.from({ length: requestsNeeded(amount) }, () => request);
  const { rounds, wall } = await measureHttp(
    stage,
    amount,
    requests,
    `\\"mandate_id\\":\\"${stage.fixtures.secretAgent.mandateId}\\"`,
  );
  return [rowOf('mcp-call', rounds, wallRemark(wall, amount.perRound))];
}

/** What the official client sends for one call. It contains nothing that could be sent only once. */
export async function recordedCall(
  { fixtures }: Pick<Stage, 'fixtures'>,
  token: string,
): Promise<LoadRequest> {
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
    arguments: { mandate_id: fixtures.secretAgent.mandateId },
  });
  await client.close();
  const [request] = recorded;
  if (request === undefined || result.isError === true)
    throw new Error(`the call failed: ${JSON.stringify(result)}`);
  return request;
}
