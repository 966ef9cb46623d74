import { fileURLToPath } from 'node:url';
import { drizzle } from 'drizzle-orm/postgres-js';
import { migrate } from 'drizzle-orm/postgres-js/migrator';
import postgres, { type Sql } from 'postgres';
import { Fault } from '#lib/fault.ts';
import { connectionTarget } from './connection-url.ts';
import { SERVER_ROLE } from './pool.ts';
import { migrateQueue, type QueueTable } from './queue.ts';

/** What an installation is for: `sandbox` simulates Okta and Slack, `live` uses the real ones. */
export type Mode = 'sandbox' | 'live';

const MIGRATIONS = fileURLToPath(new URL('./migrations', import.meta.url));
const LOCK = 7_041_969;

/**
 * Migrates the database to this version, as its owner, under an advisory lock because two processes may start
 * at once. Also marks what it is for: a database that was live refuses a sandbox, and the other way round
 * (law 13). Throws Fault `conflict` on such a mix or if other tables are in the way, `unavailable` if the
 * database cannot be reached, and `forbidden` if the owner lacks a right, with the SQL that grants it.
 */
export async function migrateDatabase(ownerUrl: string, mode: Mode, queues: QueueTable): Promise<void> {
  const sql = asOwner(ownerUrl);
  try {
    await sql`select pg_advisory_lock(${LOCK})`;
    await migrate(drizzle(sql), { migrationsFolder: MIGRATIONS });
    await migrateQueue(ownerUrl, queues);
    await sql.unsafe(`GRANT USAGE ON SCHEMA pgboss TO ${SERVER_ROLE};
      GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA pgboss TO ${SERVER_ROLE};
      GRANT USAGE ON ALL SEQUENCES IN SCHEMA pgboss TO ${SERVER_ROLE};
      GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA pgboss TO ${SERVER_ROLE}`);
    await sql`insert into installation (mode) values (${mode}) on conflict do nothing`;
    const [row] = await sql<{ mode: Mode }[]>`select mode from installation`;
    if (row?.mode !== mode) {
      throw new Fault(
        'conflict',
        `This database belongs to a ${row?.mode} installation and cannot be opened as ${mode}. ` +
          `Use the settings it was created with, or set DATABASE_URL (or PROKURA_DATA) to another database.`,
      );
    }
  } catch (error) {
    throw explained(error);
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/**
 * Saves the digest of a new one-time token for the first administrators, unless a tenant exists. True if it
 * was saved.
 */
export async function offerBootstrap(ownerUrl: string, hash: string): Promise<boolean> {
  const sql = asOwner(ownerUrl);
  try {
    const rows =
      await sql`update installation set bootstrap_hash = ${hash} where not exists (select from tenants) returning one`;
    return rows.length > 0;
  } finally {
    await sql.end({ timeout: 5 });
  }
}

function asOwner(ownerUrl: string): Sql {
  const { url, ssl, options } = connectionTarget(ownerUrl);
  return postgres(url, {
    ssl,
    max: 1,
    onnotice: () => {},
    connect_timeout: 10,
    connection: options === '' ? {} : { options },
  });
}

function explained(failure: unknown): unknown {
  // drizzle wraps the driver's error.
  let error = failure;
  while (error instanceof Error && !('code' in error) && error.cause !== undefined) error = error.cause;
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
  if (code === '42501') {
    return new Fault(
      'forbidden',
      `The database user of DATABASE_URL lacks a privilege (PostgreSQL: ${error instanceof Error ? error.message : code}). ` +
        `It must own the database and be a member of the role ${SERVER_ROLE}. Run as a superuser: ` +
        `CREATE ROLE ${SERVER_ROLE} NOLOGIN; GRANT ${SERVER_ROLE} TO <the user>; ALTER DATABASE <the database> OWNER TO <the user>;`,
      { cause: error },
    );
  }
  // A table is there already, and no migration that we know has created it.
  if (code === '42P07') {
    return new Fault(
      'conflict',
      'This database has tables that this version did not create: it was made by Prokura before its first release, or by another program. ' +
        'Set DATABASE_URL (or PROKURA_DATA) to an empty database.',
      { cause: error },
    );
  }
  if (['ECONNREFUSED', 'ENOTFOUND', 'CONNECT_TIMEOUT', '28P01', '3D000'].includes(code)) {
    return new Fault('unavailable', `The database cannot be reached (${code}). Check DATABASE_URL.`, {
      cause: error,
    });
  }
  return failure;
}
