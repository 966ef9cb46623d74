import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import { startEmbedded } from '#db/embedded.ts';
import { migrateDatabase } from '#db/migrate.ts';
import { loadServerJobs } from '../../src/main/jobs.ts';

/**
 * The environment variable that names a running template database. `npm run mutants` starts one for many
 * runs.
 */
export const TEMPLATE_URL = 'VITEST_TEMPLATE_URL';

/** Starts one real PostgreSQL with one migrated database, which every test file copies. */
export async function startTemplate(): Promise<{ url: string; stop(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'prokura-test-'));
  const server = await startEmbedded(folder);
  await migrateDatabase(server.url, 'sandbox', (await loadServerJobs()).queues);
  const sql = postgres(server.url, { max: 1 });
  // Nothing here must survive the machine, and waiting for the disk at every commit would be most of a test's
  // transaction.
  for (const setting of ['fsync', 'synchronous_commit', 'full_page_writes'])
    await sql.unsafe(`alter system set ${setting} = off`);
  await sql`select pg_reload_conf()`;
  await sql.end();
  return {
    url: server.url,
    stop: async () => {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
