import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startEmbedded, type EmbeddedServer } from '#db/embedded.ts';
import { isDriverRace } from '#db/pool.ts';
import type { Check } from '#lib/check.ts';
import { Fault } from '#lib/fault.ts';
import { createLogger, type Logger } from '#lib/log.ts';
import { banner } from './banner.ts';
import { runChecks } from './check.ts';
import { ConfigError, readConfig, type Config } from './config.ts';
import { startSandbox } from './sandbox-mode.ts';
import { startServer } from './server.ts';

/** Starts everything in order. The returned function stops everything in the reverse order. */
async function start(config: Config): Promise<() => Promise<void>> {
  const log = createLogger(config.logLevel);
  const undo: (() => Promise<void>)[] = [];
  const close = async () => {
    for (const step of undo.toReversed()) await step();
  };
  try {
    const embedded = config.databaseUrl === null ? await startDatabase(config.dataFolder) : null;
    if (embedded !== null) undo.push(() => embedded.stop());
    const sandbox = config.mode === 'sandbox' ? await startSandbox(config) : null;
    if (sandbox !== null) undo.push(() => sandbox.close());
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
      // In the background: what needs Okta or Slack says so by itself, and everything else works without them.
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

process.on('uncaughtException', (error) => {
  if (isDriverRace(error)) return;
  process.stderr.write(`${error.stack ?? String(error)}\n`);
  process.exit(1);
});

try {
  // Variables of the environment have priority over `.env`.
  if (existsSync('.env')) process.loadEnvFile('.env');
  const started = start(readConfig(process.env));
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
  await started;
} catch (error) {
  process.stderr.write(`Prokura did not start.\n${inWords(error)}\n`);
  process.exit(1);
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
 * Prints at once that something happens, because the first start takes seconds. If the database ends by
 * itself, so does this process.
 */
async function startDatabase(folder: string): Promise<EmbeddedServer> {
  process.stdout.write('Starting PostgreSQL …\n');
  const server = await startEmbedded(folder);
  void server.gone.then(() => {
    process.stderr.write(
      `The embedded PostgreSQL has stopped: someone stopped it, or its folder ${folder} is gone. Prokura stops, too. Start it again; the reason may be in ${join(folder, 'postgres.log')}.\n`,
    );
    process.exit(1);
  });
  return server;
}

/** What to do about an error. If that is unknown, everything that is known about it. */
function inWords(error: unknown): string {
  if (error instanceof ConfigError || error instanceof Fault) return error.message;
  if (!(error instanceof Error)) return String(error);
  if (!('code' in error) || error.code !== 'EADDRINUSE') return error.stack ?? error.message;
  const port = 'port' in error ? Number(error.port) : null;
  // A sandbox's simulators keep their first ports. Only the server's own port is a setting.
  return port === readConfig(process.env).port
    ? `Port ${port} is in use by another program. Stop that program, or set PORT to another port.`
    : `Port ${port}, which this sandbox used for a simulator, is in use by another program. Stop that program, or set PROKURA_DATA to another folder: a new sandbox uses free ports.`;
}
