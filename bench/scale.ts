import { samplePerson } from '#sandbox/company.ts';
import { openCompanies, type Companies } from './company/open.ts';
import { secretRequests } from './exchange.ts';
import { median, type Round } from './harness/measure.ts';
import { rowOf, WALL_UNIT, type Row } from './harness/report.ts';
import type { Stage } from './harness/stage.ts';
import { delegationTokens } from './introspect.ts';
import { AGENT, PRINCIPAL } from './processes/fixtures.ts';
import type { LoadRequest } from './processes/load.ts';
import { freezeRow, unmapRow } from './scale-bulk.ts';

const ROUNDS = 7;
/** Rounds that are run first and not counted: caches, plans and compiled code. */
const WARM_UPS = 2;
/** How often a read by key is asked in each round, a page, and a report. */
const PER_ROUND = { key: 30, page: 6, report: 2 } as const;

/** Measures one operation in one of the companies: the median time, in microseconds. */
type Timed = (company: Stage, round: number) => Promise<number>;

/**
 * The same operations in a small company and in one of real size, side by side on one server and one
 * database, by the clock, one after the other. `ours` is the large company, `floor` the small one. A read by
 * key and one page are to cost at most 1.5 times as much.
 */
export async function scale(stage: Stage): Promise<Row[]> {
  const companies = await openCompanies(stage);
  const rows: Row[] = [];
  // Told as they come, since the whole takes long.
  const add = (row: Row) => {
    rows.push(row);
    process.stderr.write(`${row.name}: ${row.ours.toFixed(0)} : ${row.floor.toFixed(0)} ${row.unit}\n`);
  };
  for (const [name, timed, remark] of await reads(companies))
    add(await compared(name, companies, timed, remark));
  add(await unmapRow(companies));
  // Last, since both companies stay frozen.
  add(await freezeRow(companies));
  return rows;
}

/**
 * Both companies in turn, and in the other order in the next round, so that a drift of the machine affects
 * both.
 */
async function compared(
  name: string,
  { small, large }: Companies,
  timed: Timed,
  remark: string,
): Promise<Row> {
  const rounds: Round[] = [];
  for (let round = -WARM_UPS; round < (small.scale >= 1 ? ROUNDS : 1); round += 1) {
    const isFirst = round % 2 === 0;
    const before = isFirst ? await timed(large, round) : null;
    const floor = await timed(small, round);
    const ours = before ?? (await timed(large, round));
    if (round >= 0) rounds.push({ ours, floor });
  }
  return rowOf(name, rounds, remark, WALL_UNIT);
}

async function reads({
  small,
  large,
}: Companies): Promise<readonly (readonly [name: string, timed: Timed, remark: string])[]> {
  const rounds = WARM_UPS + ROUNDS;
  const prepared = new Map<Stage, { exchanges: LoadRequest[]; introspections: LoadRequest[] }>();
  for (const company of [small, large])
    prepared.set(company, {
      exchanges: await secretRequests(company.okta, company.fixtures, rounds * PER_ROUND.key),
      introspections: (await delegationTokens(company, PER_ROUND.key)).map((token) =>
        introspection(company, token),
      ),
    });
  const of = (company: Stage) => prepared.get(company) ?? { exchanges: [], introspections: [] };
  const find = (query: string) =>
    http((company) => same(ledgerRequest(company, query), PER_ROUND.page), '"entries"');
  const yesterday = new Date(Date.now() - 86_400_000).toISOString();
  const finds = [
    find(`from=${yesterday}`),
    find('actor=Payroll&order=newest'),
    find('event=CALL_DENIED&order=newest'),
  ];
  return [
    [
      'scale-exchange',
      http(
        (company, round) =>
          of(company).exchanges.slice(
            (round + WARM_UPS) * PER_ROUND.key,
            (round + WARM_UPS + 1) * PER_ROUND.key,
          ),
        '"access_token"',
      ),
      'one token',
    ],
    ['scale-introspect', http((company) => of(company).introspections, '"active":true'), 'one token'],
    [
      'scale-verify',
      http((company) => same(verifyRequest(company), PER_ROUND.key), '"decision":"allow"'),
      'by name and work email',
    ],
    [
      'scale-mandate-list',
      tool(PER_ROUND.page, PRINCIPAL, 'mandate_list', { limit: 25 }),
      "a person's first page",
    ],
    [
      'scale-approval-list',
      tool(PER_ROUND.page, 'faye', 'approval_list', { limit: 25 }),
      'what waits for one person',
    ],
    [
      'scale-ledger-find',
      async (company, round) => {
        let sum = 0;
        for (const one of finds) sum += await one(company, round);
        return sum;
      },
      'a page by time, one by a busy actor and one by event',
    ],
    [
      'scale-who-can',
      tool(PER_ROUND.report, 'dana', 'who_can', {
        tool: 'okta_reset_mfa',
        input: { person: samplePerson('ann').email },
        limit: 25,
      }),
      'a page',
    ],
    [
      'scale-status-list',
      (company) => company.server.ask('statusList', company.fixtures.tenantId),
      'the first list, built and signed',
    ],
    [
      'scale-typeahead',
      async (company) => {
        const times: number[] = [];
        for (const query of ['an', 'lee', 'meyer', 'mari'])
          times.push(await company.server.ask('typeahead', { tenantId: company.fixtures.tenantId, query }));
        return median(times);
      },
      'what a menu of people offers',
    ],
  ];
}

/** Requests in sequence, over one connection. */
const http =
  (requests: (company: Stage, round: number) => readonly LoadRequest[], mustContain: string): Timed =>
  async (company, round) => {
    const { p50 } = await company.load.ask('run', {
      origin: company.fixtures.url,
      requests: requests(company, round),
      connections: 1,
      perSecond: null,
      mustContain,
    });
    return p50 * 1000;
  };

/** A tool, used by a person, without HTTP. */
const tool =
  (times: number, who: string, name: string, input: Record<string, unknown>): Timed =>
  async ({ server, fixtures: { tenantId } }) =>
    median(await server.ask('tool', { tenantId, who, tool: name, input, times }));

const same = (request: LoadRequest, length: number): LoadRequest[] => Array.from({ length }, () => request);

/** Asks what stands behind a delegation token. */
export const introspection = ({ fixtures }: Pick<Stage, 'fixtures'>, token: string): LoadRequest => ({
  method: 'POST',
  path: `${new URL(fixtures.issuer).pathname}/oauth2/introspect`,
  headers: {
    authorization: `Bearer ${fixtures.introspectKey}`,
    'content-type': 'application/x-www-form-urlencoded',
  },
  body: new URLSearchParams({ token }).toString(),
});

/** Asks whether the agent may look people up for its principal, both by name. */
export const verifyRequest = ({ fixtures }: Pick<Stage, 'fixtures'>): LoadRequest => ({
  method: 'POST',
  path: '/v1/verify',
  headers: { authorization: `Bearer ${fixtures.verifyKey}`, 'content-type': 'application/json' },
  body: JSON.stringify({
    agent: AGENT,
    principal: samplePerson(PRINCIPAL).email,
    action: 'okta.users.read',
  }),
});

/** A page of the ledger. */
export const ledgerRequest = ({ fixtures }: Pick<Stage, 'fixtures'>, query: string): LoadRequest => ({
  method: 'GET',
  path: `/v1/ledger?limit=25&${query}`,
  headers: { authorization: `Bearer ${fixtures.adminKey}` },
});
