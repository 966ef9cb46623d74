import { sql } from 'drizzle-orm';
import { isDuplicate, isStopped, isVictim, reach } from '#db/reach.ts';
import type { ReadDb, TenantReader, TenantWriter, WriteDb } from '#domain/context.ts';
import { joinThings, type DomainEvent } from '#domain/events.ts';
import type { NewEntry } from '#domain/ledger/entry.ts';
import { appendLedger } from '#domain/ledger/store.ts';
import { Fault } from '#lib/fault.ts';
import type { App } from './app.ts';

type Parts = Pick<App, 'database' | 'queue' | 'now' | 'subscribers'>;
type Job = { queue: string; data: Readonly<Record<string, string | number | null>>; startAfter?: Date };

/**
 * The only place where a transaction begins. It sets the tenant first, so that row-level security applies to
 * everything inside. Then it runs `work` and enqueues the jobs of those who subscribe to its events. The
 * ledger comes last, because its head stays locked until the commit (laws 3 and 11).
 *
 * A throw rolls everything back. `work` may run more than once, and must not wait for anything outside of the
 * database.
 */
export async function transact<T>(
  app: Parts,
  tenantId: string,
  work: (ctx: TenantWriter) => Promise<T>,
): Promise<T> {
  return retryVictims(() => reach(once(app, tenantId, work)));
}

const MAX_TRIES = 4;

/**
 * Whether a transaction may run again: it was a deadlock's victim, or it drew the same place in a status list
 * (`placeOf`) as another one.
 */
const mayRunAgain = (error: unknown): boolean =>
  isVictim(error) || isDuplicate(error, 'mandates_status_index');

/**
 * Repeats a transaction that the database refused because of a concurrent one, up to four tries. `work` must
 * touch nothing but its transaction.
 */
export async function retryVictims<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (attempt >= MAX_TRIES || !mayRunAgain(error)) throw error;
    }
  }
}

async function once<T>(app: Parts, tenantId: string, work: (ctx: TenantWriter) => Promise<T>): Promise<T> {
  return app.database.transaction('write', tenantId, async (tx) => {
    const entries: NewEntry[] = [];
    // Emitting the same event twice in one transaction counts once.
    const events = new Map<string, DomainEvent>();
    const jobs: Job[] = [];
    const now = app.now();
    const db = tx as unknown as WriteDb;
    const result = await work({
      tenantId,
      now,
      db,
      record: (entry) => void entries.push(entry),
      emit: (event) => void events.set(`${event.name} ${event.thing}`, event),
      enqueue: (queue, data, startAfter) =>
        void jobs.push({ queue, data, ...(startAfter === undefined ? {} : { startAfter }) }),
    });
    const emitted = [...events.values()];
    jobs.push(...subscriberJobs(app, emitted));
    for (const [queue, some] of Map.groupBy(jobs, (job) => job.queue)) {
      const whole = some.map(({ data, startAfter }) => ({
        data: { tenant: tenantId, ...data },
        ...(startAfter === undefined ? {} : { startAfter }),
      }));
      const [only] = whole;
      if (only === undefined || whole.length > 1) await app.queue.enqueueAll(tx, queue, whole);
      else await app.queue.enqueue(tx, queue, only.data, only);
    }
    const moved = emitted.filter((event) => event.name.startsWith('call.')).map((event) => event.thing);
    if (moved.length > 0)
      await tx.execute(
        sql`select pg_notify('prokura_call', t) from unnest(${sql.param(moved)}::text[]) as t`,
      );
    await appendLedger(db, tenantId, now, entries);
    return result;
  });
}

/**
 * Runs `work` on a consistent view of one tenant's rows at the primary; it cannot change anything. Throws
 * Fault `unavailable` at a standby, which may lag behind (law 4). For reads by key; lists, searches and
 * reports `browse`.
 */
export async function readonly<T>(
  app: Pick<App, 'database' | 'now'>,
  tenantId: string,
  work: (ctx: TenantReader) => Promise<T>,
): Promise<T> {
  return reach(
    app.database.transaction('read', tenantId, async (tx) =>
      work({ tenantId, now: app.now(), db: tx as unknown as ReadDb }),
    ),
  );
}

/**
 * The same for reads that can be expensive. They wait in line for one of a few connections, so they never
 * take those of decisions and changes. Once `given` up, what runs is cancelled.
 *
 * Throws Fault `unavailable` also if no connection was free in time (reason `busy`), and if a statement took
 * longer than ten seconds (`too_slow`). Must not be called inside another one's `work`: it would wait for
 * itself.
 */
export async function browse<T>(
  app: Pick<App, 'database' | 'now'>,
  tenantId: string,
  given: AbortSignal | undefined,
  work: (ctx: TenantReader) => Promise<T>,
): Promise<T> {
  try {
    return await reach(
      app.database.browse(
        tenantId,
        async (tx) => work({ tenantId, now: app.now(), db: tx as unknown as ReadDb }),
        given,
      ),
    );
  } catch (error) {
    if (!isStopped(error)) throw error;
    throw new Fault(
      'unavailable',
      'This took too long, so it was stopped. Ask for less: a shorter time, a smaller page or a narrower filter.',
      { detail: { reason: 'too_slow', retry_after_seconds: 30 }, cause: error },
    );
  }
}

// Up to ALONE events of one name in a transaction get one job each, so that each can fail and be retried
// alone. If there are more, every TOGETHER of them share a job.
const ALONE = 20;
const TOGETHER = 100;

/** The jobs of the events' subscribers. The things that share a job are joined. */
function subscriberJobs(app: Parts, emitted: readonly DomainEvent[]): Job[] {
  const shares = [...Map.groupBy(emitted, (event) => event.name)].flatMap(([name, events]) => {
    const size = events.length > ALONE ? TOGETHER : 1;
    const things = events.map((event) => event.thing);
    return Array.from({ length: Math.ceil(things.length / size) }, (_, nth) => ({
      name,
      thing: joinThings(things.slice(nth * size, (nth + 1) * size)),
    }));
  });
  return shares.flatMap(({ name, thing }) =>
    (app.subscribers[name] ?? []).map((queue) => ({ queue, data: { fact: name, thing } })),
  );
}
