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
  // Nothing here must outlive the machine; waiting for the disk at every commit is most of what a transaction of a test would take.
  for (const setting of ['fsync', 'synchronous_commit', 'full_page_writes'])
    await sql.unsafe(`alter system set ${setting} = off`);
  await sql`select pg_reload_conf()`;
  await sql.end();
  project.provide('templateUrl', server.url);
  return async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  };
}
