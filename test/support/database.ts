import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import type { TestProject } from 'vitest/node';
import { startEmbedded } from '#db/embedded.ts';
import { migrateDatabase } from '#db/migrate.ts';
import { QUEUES } from '../../src/queues.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** URL of the owner of the migrated template database. */
    templateUrl: string;
  }
}

/** One real PostgreSQL for the whole run, with one migrated database that every test file copies. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'prokura-test-'));
  const server = await startEmbedded(folder);
  await migrateDatabase(server.url, 'sandbox', QUEUES);
  const sql = postgres(server.url, { max: 1 });
  await sql`select 1`;
  await sql.end();
  project.provide('templateUrl', server.url);
  return async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  };
}
