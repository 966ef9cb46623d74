import postgres from 'postgres';
import { createLogger } from '#lib/log.ts';
import { readConfig } from '../../src/main/config.ts';
import { startSandbox } from '../../src/main/sandbox-mode.ts';
import { startServer, type RunningServer } from '../../src/main/server.ts';
import { cpuMicros, serveParent } from '../harness/channel.ts';
import {
  anotherCompany,
  timeFreeze,
  timeStatusList,
  timeTool,
  timeTypeahead,
  timeUnmap,
  type Use,
} from './company.ts';
import { prepareDecision, type DecidedTool, type Decision } from './decision.ts';
import { prepareFixtures, type Fixtures } from './fixtures.ts';
import { prepareLedger, type LedgerWork } from './ledger.ts';
import { runVerification, type VerifyWork } from './verification.ts';

/** The methods of the server. */
export type ServerMethods = {
  /**
   * Starts the real server on this database, with simulators that run elsewhere. Creates the sample company,
   * an agent and a mandate.
   */
  start: (settings: Record<string, string>) => Promise<Fixtures>;
  cpu: (nothing: null) => number;
  /** Runs decisions, or their floor, in this process. Returns the CPU microseconds of one. */
  decide: (work: Decided) => Promise<number>;
  /**
   * Verifies delegation tokens, or runs the floor of that, in this process. Returns the CPU microseconds of
   * one.
   */
  verify: (work: VerifyWork) => Promise<number>;
  /**
   * Revokes one tree of `count` mandates, or runs the floor of that. Returns CPU microseconds, including
   * PostgreSQL's.
   */
  cascade: (work: Counted) => Promise<number>;
  /**
   * Appends `count` ledger entries in one transaction, or runs the floor of that. Returns CPU microseconds of
   * one, including PostgreSQL's.
   */
  append: (work: Counted) => Promise<number>;
  /** Sets up a second company like the first, with fixtures of its own. */
  another: (nothing: null) => Promise<Fixtures>;
  /** What follows measures the wall time of one operation, in microseconds, within this process. */
  tool: (use: Use & { times: number }) => Promise<number[]>;
  statusList: (tenantId: string) => Promise<number>;
  typeahead: (work: { tenantId: string; query: string }) => Promise<number>;
  /** Until the token is refused. The company stays frozen. */
  freeze: (work: { tenantId: string; token: string }) => Promise<number>;
  /** Until every mandate of that purpose is frozen. */
  unmap: (work: { tenantId: string; group: string; role: string; purpose: string }) => Promise<number>;
};

interface Decided {
  readonly tool: DecidedTool;
  readonly what: 'ours' | 'floor';
  readonly operations: number;
  readonly concurrency: number;
}

interface Counted {
  readonly what: 'ours' | 'floor';
  readonly count: number;
}

let running: { server: RunningServer; fixtures: Fixtures; ownerUrl: string } | null = null;
const decisions = new Map<DecidedTool, Promise<Decision>>();
let ledgerWork: LedgerWork | null = null;

const start: ServerMethods['start'] = async (settings) => {
  const config = readConfig(settings);
  const ownerUrl = config.databaseUrl ?? '';
  const sandbox = await startSandbox(config);
  const log = createLogger('error', { write: (line) => void process.stderr.write(line) });
  const { mode, port, host, publicUrl } = config;
  const { masterKey, okta, slack } = sandbox;
  const server = await startServer({ mode, port, host, publicUrl, ownerUrl, masterKey, log, okta, slack });
  const company = await sandbox.introduce(server);
  if (company === null) throw new Error('the sample company was not made');
  const fixtures = await prepareFixtures(server, company);
  running = { server, fixtures, ownerUrl };
  return fixtures;
};

const decide: ServerMethods['decide'] = async ({ tool, what, operations, concurrency }) => {
  const { server, fixtures, ownerUrl } = here();
  const decision = decisions.get(tool) ?? prepareDecision(server.app, fixtures, ownerUrl, tool, concurrency);
  decisions.set(tool, decision);
  const one = (await decision)[what];
  let left = operations;
  const from = cpuMicros();
  const work = async () => {
    for (; left > 0;) {
      left -= 1;
      await one();
    }
  };
  await Promise.all(Array.from({ length: concurrency }, work));
  return (cpuMicros() - from) / operations;
};

const verify: ServerMethods['verify'] = (work) => {
  const { server, fixtures, ownerUrl } = here();
  return runVerification(server, fixtures, ownerUrl, work);
};

function here() {
  if (running === null) throw new Error('start first');
  return running;
}

function ledger(): LedgerWork {
  const { server, fixtures, ownerUrl } = here();
  return (ledgerWork ??= prepareLedger(server.app, fixtures, ownerUrl));
}
const cascade: ServerMethods['cascade'] = ({ what, count }) => ledger().cascade(what, count);
const append: ServerMethods['append'] = ({ what, count }) => ledger().append(what, count);

const another: ServerMethods['another'] = async () =>
  prepareFixtures(here().server, await anotherCompany(here().server));
const unmap: ServerMethods['unmap'] = async ({ tenantId, purpose, ...of }) => {
  const owner = postgres(here().ownerUrl, { max: 1, onnotice: () => {} });
  const left = async () =>
    Number(
      (
        await owner`select count(*) as left from mandates
                     where tenant_id = ${tenantId} and purpose = ${purpose} and state = 'active'`
      )[0]?.['left'],
    );
  try {
    return await timeUnmap(here().server, { tenantId, ...of }, left);
  } finally {
    await owner.end();
  }
};

const methods: ServerMethods = {
  start,
  cpu: cpuMicros,
  decide,
  verify,
  cascade,
  append,
  another,
  tool: (use) => timeTool(here().server, use),
  statusList: (tenantId) => timeStatusList(here().server, tenantId),
  typeahead: (work) => timeTypeahead(here().server, work),
  freeze: (work) => timeFreeze(here().server, work),
  unmap,
};

serveParent(methods, async () => {
  for (const decision of decisions.values()) await (await decision).close();
  await ledgerWork?.close();
  await running?.server.close();
});
