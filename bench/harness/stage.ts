import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbedded } from '#db/embedded.ts';
import { startOktaSimulator, type OktaSimulator } from '#sandbox/okta/index.ts';
import { startSlackSimulator } from '#sandbox/slack/index.ts';
import type { Fixtures } from '../processes/fixtures.ts';
import type { FloorMethods } from '../processes/floor.ts';
import type { LoadMethods } from '../processes/load.ts';
import type { ServerMethods } from '../processes/server.ts';
import { startChild, type Child } from './channel.ts';

/**
 * What a run of benchmarks needs. The harness holds PostgreSQL and the simulators; the rest are separate
 * processes.
 */
export interface Stage {
  readonly fixtures: Fixtures;
  /** Connects as the database's owner. */
  readonly databaseUrl: string;
  readonly okta: OktaSimulator;
  readonly server: Child<ServerMethods>;
  readonly floor: Child<FloorMethods>;
  readonly load: Child<LoadMethods>;
  /** Multiplies every number of operations. It is 1, except to test the harness itself. */
  readonly scale: number;
  /** Ends every process and removes the database. */
  close(): Promise<void>;
}

/** Opens the stage on a temporary database in the system's temporary folder. Takes about five seconds. */
export async function openStage(scale: number): Promise<Stage> {
  const undo: (() => Promise<void>)[] = [];
  let closing: Promise<void> | null = null;
  const closeAll = async () => {
    for (const step of undo.toReversed()) await step();
  };
  const close = () => (closing ??= closeAll());
  try {
    const folder = await mkdtemp(join(tmpdir(), 'prokura-bench-'));
    undo.push(() => rm(folder, { recursive: true, force: true }));
    const database = await startEmbedded(folder);
    undo.push(() => database.stop());
    const okta = await startOktaSimulator();
    undo.push(() => okta.close());
    const slack = await startSlackSimulator();
    undo.push(() => slack.close());
    const floor = startChild<FloorMethods>('floor.ts');
    const load = startChild<LoadMethods>('load.ts');
    const server = startChild<ServerMethods>('server.ts');
    undo.push(
      () => floor.stop(),
      () => load.stop(),
      () => server.stop(),
    );
    const fixtures = await server.ask('start', {
      PORT: '0',
      PROKURA_DATA: folder,
      DATABASE_URL: database.url,
      SANDBOX_OKTA_URL: okta.url,
      SANDBOX_SLACK_URL: slack.url,
      SANDBOX_SLACK_BOT_TOKEN: slack.botToken,
      SANDBOX_SLACK_SIGNING_SECRET: slack.signingSecret,
    });
    return { fixtures, databaseUrl: database.url, okta, server, floor, load, scale, close };
  } catch (error) {
    await close().catch(() => {});
    throw error;
  }
}
