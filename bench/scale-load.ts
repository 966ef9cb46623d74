import { openCompanies } from './company/open.ts';
import { secretRequests } from './exchange.ts';
import { rowOf, WALL_UNIT, type Row } from './harness/report.ts';
import type { Stage } from './harness/stage.ts';
import { delegationTokens } from './introspect.ts';
import { recordedCall } from './mcp-call.ts';
import type { Kind, KindResult, LoadRequest } from './processes/load.ts';
import { introspection, ledgerRequest, verifyRequest } from './scale.ts';

const CLIENTS = 50;
const SECONDS = 60;
const TOKENS = 200;

/**
 * Fifty clients for a minute, in the small company and then in the large one: tokens, checks, MCP, lists,
 * SCIM, the ledger and the status list. `ours` and `floor` are the 99th percentiles of the token endpoint,
 * which is to wait at most twice as long in the large company. A single wrong answer makes the run fail,
 * without a row.
 */
export async function scaleLoad(stage: Stage): Promise<Row[]> {
  const { small, large } = await openCompanies(stage);
  const [floor, ours] = [await under(small), await under(large)];
  for (const [name, results] of [
    ['small', floor],
    ['large', ours],
  ] as const)
    process.stderr.write(`${name}: ${results.map(inWords).join('\n       ')}\n`);
  const wrong = [...floor, ...ours].filter(({ errors }) => errors > 0);
  for (const { name, errors, wrong: first } of wrong)
    process.stderr.write(`${errors} wrong answers of ${name}: ${first}\n`);
  if (wrong.length > 0) {
    process.exitCode = 1;
    return [];
  }
  const rate = (results: readonly KindResult[]) =>
    Math.round(results.reduce((sum, { count }) => sum + count, 0) / seconds(stage));
  return [
    rowOf(
      'scale-load',
      [{ ours: p99(ours), floor: p99(floor) }],
      `p99 of the token endpoint; ${rate(ours)}/s : ${rate(floor)}/s in all, no wrong answer`,
      WALL_UNIT,
    ),
  ];
}

const seconds = ({ scale }: Stage): number => Math.max(3, SECONDS * Math.min(1, scale));
const p99 = (results: readonly KindResult[]): number => (results[0]?.p99 ?? Number.NaN) * 1000;
const inWords = ({ name, count, errors, p50, p99: late }: KindResult): string =>
  `${name.padEnd(14)} ${String(count).padStart(6)} requests, ${errors} wrong, p50 ${p50.toFixed(0)} ms, p99 ${late.toFixed(0)} ms`;

async function under(company: Stage): Promise<KindResult[]> {
  const kinds = await mixOf(company);
  const { load, fixtures } = company;
  // Not counted: caches, plans and compiled code.
  await load.ask('mix', { origin: fixtures.url, kinds, clients: CLIENTS, seconds: 3 });
  return load.ask('mix', { origin: fixtures.url, kinds, clients: CLIENTS, seconds: seconds(company) });
}

/** What the clients ask. The token endpoint comes first. */
async function mixOf(company: Stage): Promise<Kind[]> {
  const { fixtures, okta } = company;
  const tokens = await delegationTokens(company, TOKENS);
  const [token = ''] = tokens;
  const admin = { authorization: `Bearer ${fixtures.adminKey}` };
  const list = (
    name: string,
    path: string,
    mustContain: string,
    headers: Readonly<Record<string, string>> = admin,
  ): Kind => ({
    name,
    share: 1,
    requests: [{ method: 'GET', path, headers }],
    mustContain,
  });
  const toolList: LoadRequest = {
    method: 'POST',
    path: '/v1/tools/mandate_list',
    headers: { ...admin, 'content-type': 'application/json' },
    body: JSON.stringify({ limit: 25 }),
  };
  const yesterday = new Date(Date.now() - 86_400_000).toISOString();
  return [
    {
      name: 'exchange',
      share: 4,
      requests: await secretRequests(okta, fixtures, TOKENS),
      mustContain: '"access_token"',
    },
    {
      name: 'introspect',
      share: 4,
      requests: tokens.map((one) => introspection(company, one)),
      mustContain: '"active":true',
    },
    { name: 'verify', share: 2, requests: [verifyRequest(company)], mustContain: '"decision":"allow"' },
    { name: 'mcp', share: 2, requests: [await recordedCall(company, token)], mustContain: 'mandate_id' },
    { name: 'mandate_list', share: 1, requests: [toolList], mustContain: '"mandates"' },
    list('calls', '/v1/calls?limit=25', '"calls"'),
    list('approvals', '/v1/approvals?limit=25', '"approvals"'),
    list('ledger', ledgerRequest(company, `from=${yesterday}`).path, '"entries"'),
    list('scim', `${new URL(fixtures.scimBase).pathname}/Users?count=25`, '"Resources"', {
      authorization: `Bearer ${fixtures.scimKey}`,
    }),
    list('status list', `${new URL(fixtures.issuer).pathname}/oauth2/status/0`, '.', {}),
  ];
}
