import { sql } from 'drizzle-orm';
import { isDuplicate, isVictim, reach } from '#db/reach.ts';
import type { ReadDb, TenantReader, TenantWriter, WriteDb } from '#domain/context.ts';
import type { Fact } from '#domain/facts.ts';
import type { NewEntry } from '#domain/ledger/entry.ts';
import { appendLedger } from '#domain/ledger/store.ts';
import { newId } from '#lib/id.ts';
import type { App } from './app.ts';

type Parts = Pick<App, 'database' | 'queue' | 'now' | 'subscribers'>;
type Job = { queue: string; data: Readonly<Record<string, string | number | null>>; startAfter?: Date };

/**
 * The only place where a transaction begins. It names the tenant first, so that row-level security binds everything inside; then
 * `work`; then the facts, their subscribers' jobs and last the ledger, whose head is locked until the commit (laws 3 and 11).
 * A throw rolls everything back. Nothing in here may wait for the world.
 */
export async function transact<T>(
  app: Parts,
  tenantId: string,
  work: (ctx: TenantWriter) => Promise<T>,
): Promise<T> {
  return retryVictims(() => reach(once(app, tenantId, work)));
}

const MAX_TRIES = 4;

/** A deadlock's victim, or one of two that drew the same place of a status list (`placeOf`) before either was committed. */
const mayRunAgain = (error: unknown): boolean =>
  isVictim(error) || isDuplicate(error, 'mandates_status_index');

/** Runs a transaction again where the database refused it for what another one did meanwhile: it has left nothing behind. `work` must not touch anything but its transaction. */
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
    // What is said twice in one transaction has happened once.
    const facts = new Map<string, Fact>();
    const jobs: Job[] = [];
    const now = app.now();
    const db = tx as unknown as WriteDb;
    const result = await work({
      tenantId,
      now,
      db,
      record: (entry) => void entries.push(entry),
      emit: (fact) => void facts.set(`${fact.name} ${fact.thing}`, fact),
      enqueue: (queue, data, startAfter) =>
        void jobs.push({ queue, data, ...(startAfter === undefined ? {} : { startAfter }) }),
    });
    const emitted = [...facts.values()];
    jobs.push(...(await saveFacts(app, db, tenantId, now, emitted)));
    for (const [queue, some] of Map.groupBy(jobs, (job) => job.queue)) {
      const whole = some.map(({ data, startAfter }) => ({
        data: { tenant: tenantId, ...data },
        ...(startAfter === undefined ? {} : { startAfter }),
      }));
      const [only] = whole;
      if (only === undefined || whole.length > 1) await app.queue.enqueueAll(tx, queue, whole);
      else await app.queue.enqueue(tx, queue, only.data, only);
    }
    const moved = emitted.filter((fact) => fact.name.startsWith('call.')).map((fact) => fact.thing);
    if (moved.length > 0)
      await tx.execute(
        sql`select pg_notify('prokura_call', t) from unnest(${sql.param(moved)}::text[]) as t`,
      );
    await appendLedger(db, tenantId, now, entries);
    return result;
  });
}

/** A consistent view of one tenant's rows, at the primary; nothing can be changed in it. Fault `unavailable` at a standby, which may be behind (law 4). */
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

/** Up to so many facts of one name in a transaction are a row and a job each, which fails and is repeated alone; of more, so many share one. */
const ALONE = 20;
const TOGETHER = 100;

/** Saves facts and answers the jobs of their subscribers. Things that share a row have spaces between them: no id has one. */
async function saveFacts(
  app: Parts,
  db: WriteDb,
  tenantId: string,
  at: Date,
  emitted: readonly Fact[],
): Promise<Job[]> {
  if (emitted.length === 0) return [];
  const shares = [...Map.groupBy(emitted, (fact) => fact.name)].flatMap(([name, facts]) => {
    const size = facts.length > ALONE ? TOGETHER : 1;
    const things = facts.map((fact) => fact.thing);
    return Array.from({ length: Math.ceil(things.length / size) }, (_, nth) => ({
      name,
      thing: things.slice(nth * size, (nth + 1) * size).join(' '),
    }));
  });
  const column = (values: readonly string[]) => sql`${sql.param([...values])}::text[]`;
  await db.execute(sql`
    insert into facts (tenant_id, id, name, data, at)
    select ${tenantId}, i, n, jsonb_build_object('thing', t), ${at.toISOString()}::timestamptz
      from unnest(${column(shares.map(() => newId('fact')))}, ${column(shares.map((fact) => fact.name))}, ${column(shares.map((fact) => fact.thing))}) as row(i, n, t)`);
  return shares.flatMap(({ name, thing }) =>
    (app.subscribers[name] ?? []).map((queue) => ({ queue, data: { fact: name, thing } })),
  );
}
