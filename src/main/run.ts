import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDriverRace } from '#db/driver-race.ts';
import { startEmbedded, type EmbeddedServer } from '#db/embedded.ts';
import type { Check } from '#lib/check.ts';
import type { Logger } from '#lib/log.ts';
import { banner } from './banner.ts';
import { readConfig, type Config } from './config.ts';
import { demandAddress, startProblem } from './start-problems.ts';

/** The modules that take long to load. */
async function load() {
  const [{ createLogger }, { startSandbox }, { startServer }, { runChecks }] = await Promise.all([
    import('#lib/log.ts'),
    import('./sandbox-mode.ts'),
    import('./server.ts'),
    import('./check.ts'),
  ]);
  return { createLogger, startSandbox, startServer, runChecks };
}

/** Starts everything in order. The returned function stops everything in the reverse order. */
async function start(config: Config): Promise<() => Promise<void>> {
  const undo: (() => Promise<void>)[] = [];
  const close = async () => {
    for (const step of undo.toReversed()) await step();
  };
  try {
    // While PostgreSQL's programs run, which is in other processes, this one loads the rest and starts the
    // simulators.
    const { promise: busy, resolve: isBusy } = Promise.withResolvers<void>();
    const loaded = busy.then(load);
    const [database, simulators] = await Promise.allSettled([
      config.databaseUrl === null ? startDatabase(config.dataFolder, isBusy) : isBusy(),
      loaded.then(({ startSandbox }) => (config.mode === 'sandbox' ? startSandbox(config) : null)),
    ]);
    const embedded = database.status === 'fulfilled' ? database.value : undefined;
    if (embedded !== undefined) undo.push(() => embedded.stop());
    const sandbox = simulators.status === 'fulfilled' ? simulators.value : null;
    if (sandbox !== null) undo.push(() => sandbox.close());
    for (const part of [database, simulators]) if (part.status === 'rejected') throw part.reason;
    const { createLogger, startServer, runChecks } = await loaded;
    const log = createLogger(config.logLevel);
    const okta = config.okta ?? sandbox?.okta;
    const slack = config.slack ?? sandbox?.slack;
    const masterKey = config.masterKey ?? sandbox?.masterKey;
    if (okta === undefined || slack === undefined || masterKey === undefined)
      throw new Error('neither live nor sandbox');
    const ownerUrl = config.databaseUrl ?? embedded?.url ?? '';
    const server = await startServer({
      mode: config.mode,
      port: config.port,
      host: config.host,
      publicUrl: config.publicUrl,
      ownerUrl,
      masterKey,
      log,
      okta,
      slack,
      holdMs: config.mcpHoldMs,
      exchangesPerMinute: config.exchangesPerMinute,
      keepAliveMs: config.keepAliveMs,
      oauth: { dynamicRegistration: config.dynamicRegistration },
    });
    undo.push(() => server.close());
    const company = (await sandbox?.introduce(server)) ?? null;
    const tokenFile = join(config.dataFolder, 'bootstrap-token');
    if (config.mode === 'live' && server.bootstrapToken !== null) {
      await mkdir(config.dataFolder, { recursive: true });
      await writeFile(tokenFile, server.bootstrapToken, { mode: 0o600 });
    }
    process.stdout.write(
      banner({
        config,
        server,
        sandbox,
        company,
        tokenFile: server.bootstrapToken === null ? null : tokenFile,
      }),
    );
    if (config.mode === 'live') {
      const publicUrl = config.publicUrl ?? server.url;
      // In the background: what needs Okta or Slack says so by itself, and everything else works without
      // them.
      void runChecks({ mode: config.mode, publicUrl, okta, slack, ownerUrl }).then((checks) =>
        logChecks(log, checks),
      );
    }
    return close;
  } catch (error) {
    await close().catch(() => {});
    throw error;
  }
}

/**
 * Runs the server with these settings until a signal stops it, and then ends the process. Settles when the
 * server is ready. Ends the process with exit code 1 and the reason if it cannot start.
 */
export async function run(env: NodeJS.ProcessEnv): Promise<void> {
  process.on('uncaughtException', (error) => {
    if (isDriverRace(error)) return;
    process.stderr.write(`${error.stack ?? String(error)}\n`);
    process.exit(1);
  });
  let config: Config | null = null;
  try {
    // Variables of the environment have priority over `.env`.
    if (existsSync('.env')) process.loadEnvFile('.env');
    config = readConfig(env);
    // PostgreSQL takes seconds, and its folder would be left behind.
    await demandAddress(config);
    const started = start(config);
    stopOnSignal(started);
    await started;
  } catch (error) {
    process.stderr.write(`Prokura did not start.\n${startProblem(error, config)}\n`);
    process.exit(1);
  }
}

/** The first signal stops what was started, in order. */
function stopOnSignal(started: Promise<() => Promise<void>>): void {
  let closing = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      // A second signal stops at once. Unfinished work is recovered at the next start.
      if (closing) process.exit(1);
      closing = true;
      process.stdout.write('Stopping. Running work is finished first.\n');
      started
        .then((close) => close())
        .then(
          () => {
            process.stdout.write('Stopped.\n');
            process.exit(0);
          },
          (error: unknown) => {
            process.stderr.write(`${String(error)}\n`);
            process.exit(1);
          },
        );
    });
  }
}

/** One line for each check that did not come out well, with what to do. */
function logChecks(log: Logger, checks: readonly Check[]): void {
  for (const { id, asked, status, found, remedy, code } of checks) {
    const line = { check: id, ...(code === undefined ? {} : { code }), remedy };
    if (status === 'failed') log.error(line, `check failed: ${asked}. ${found}`);
    else if (status === 'warning') log.warn(line, `check: ${asked}. ${found}`);
  }
  const failed = checks.filter(({ status }) => status === 'failed').length;
  if (failed === 0) log.info({ checks: checks.length }, 'checks: nothing failed');
}

/**
 * Calls `isBusy` once PostgreSQL's programs run, or it has failed. If the database ends by itself later, so
 * does this process.
 */
async function startDatabase(folder: string, isBusy: () => void): Promise<EmbeddedServer> {
  process.stdout.write('Starting PostgreSQL …\n');
  const server = await startEmbedded(folder, isBusy).finally(isBusy);
  void server.gone.then(() => {
    process.stderr.write(
      `The embedded PostgreSQL has stopped: someone stopped it, or its folder ${folder} is gone. Prokura stops, too. Start it again; the reason may be in ${join(folder, 'postgres.log')}.\n`,
    );
    process.exit(1);
  });
  return server;
}
