import postgres, { type Sql } from 'postgres';
import { Fault } from '#lib/fault.ts';
import { connectionTarget } from './connection-url.ts';

/**
 * Checks at start that connections to this database are what the server needs: they work as `role`, and each
 * is a session of its own. A pooler in transaction mode (PgBouncer `pool_mode = transaction`) gives one
 * session to several connections, so session locks and notifications would silently be lost. Throws Fault
 * `unavailable` that says what to change. Hangs up, and throws the driver's error, when `signal` aborts.
 */
export async function checkSessions(databaseUrl: string, role: string, signal?: AbortSignal): Promise<void> {
  const { url, ssl } = connectionTarget(databaseUrl);
  const open = () =>
    postgres(url, {
      ssl,
      max: 1,
      fetch_types: false,
      prepare: false,
      onnotice: () => {},
      connect_timeout: 10,
      connection: { application_name: 'prokura', role },
    });
  const sessions = [open(), open()] as const;
  const hangUp = () => void Promise.allSettled(sessions.map((session) => session.end({ timeout: 0 })));
  signal?.addEventListener('abort', hangUp, { once: true });
  try {
    const [first, second] = [await sessionOf(sessions[0]), await sessionOf(sessions[1])];
    const other = [first, second].find((session) => session.role !== role);
    if (other !== undefined)
      throw new Fault(
        'unavailable',
        `Database connections use the role ${other.role} instead of ${role}, so row-level security would not apply. ` +
          'A connection pooler is probably dropping the start-up parameter "role". Connect to PostgreSQL directly, or through a pooler that keeps it.',
      );
    if (first.pid === second.pid)
      throw new Fault(
        'unavailable',
        'Two database connections share one session, so a pooler in transaction mode is in use. Prokura needs its own sessions ' +
          '(for locks and LISTEN). Set the pooler to session mode, or connect to PostgreSQL directly.',
      );
  } finally {
    signal?.removeEventListener('abort', hangUp);
    await Promise.all(sessions.map((session) => session.end({ timeout: 1 })));
  }
}

async function sessionOf(sql: Sql): Promise<{ role: string; pid: number }> {
  const [row] = await sql<
    { role: string; pid: number }[]
  >`select current_user as role, pg_backend_pid() as pid`;
  if (row === undefined) throw new Error('no session');
  return row;
}
