import { once } from 'node:events';
import { sql as text } from 'drizzle-orm';
import postgres, { type Sql } from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openDatabase, SERVER_ROLE, type Database } from '#db/pool.ts';
import { isLost } from '#db/reach.ts';
import { newId } from '#lib/id.ts';
import { copyDatabase } from '../support/copy-database.ts';

/**
 * What the database does to a connection without our knowledge: a process that is gone holds and commits
 * nothing.
 */
let url: string;
let outside: Sql;
let one: Database;
let other: Database;
const TENANT = newId('tnt');

beforeAll(async () => {
  url = await copyDatabase();
  outside = postgres(url, { max: 2, onnotice: () => {} });
  await outside`create table notes (note text not null)`;
  const role = SERVER_ROLE;
  [one, other] = [openDatabase(url, { role }), openDatabase(url, { role })];
});
afterAll(async () => {
  await Promise.all([one.close(), other.close()]);
  await outside.end();
});
beforeEach(async () => {
  await outside`truncate notes`;
});

/** Ends the connections that hold an advisory lock (`granted`), or that wait for one. */
const cutLock = (granted: boolean) =>
  outside`
    select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and granted = ${granted}
      and database = (select oid from pg_database where datname = current_database())`;
const waiters = async () =>
  (await outside`select from pg_locks where locktype = 'advisory' and not granted`).length;
const thrownBy = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => null,
    (error: unknown) => error,
  );
async function until(what: () => Promise<boolean>): Promise<void> {
  for (
    const deadline = Date.now() + 90_000;
    !(await what());
    await new Promise((done) => setTimeout(done, 20))
  )
    if (Date.now() > deadline) throw new Error('did not happen');
}
const notes = async () =>
  (await outside<{ note: string }[]>`select note from notes order by note`).map(({ note }) => note);
const note = (
  database: Database,
  words: string,
  meanwhile: () => Promise<unknown> = () => Promise.resolve(),
) =>
  database.transaction('write', TENANT, async (tx) => {
    await tx.execute(text`insert into notes values (${words})`);
    await meanwhile();
  });

describe('a lock of a session', () => {
  test('is one holder’s: somebody else gets null, and may begin when it is given back', async () => {
    const inside = await one.withLockIfFree('it', () =>
      other.withLockIfFree('it', () => Promise.resolve('both')),
    );
    expect(inside).toBeNull();
    expect(await other.withLockIfFree('it', () => Promise.resolve('mine'))).toBe('mine');
  });

  test('that is lost tells its holder at once, and the next may begin while the first still works', async () => {
    const done = await one.withLockIfFree('it', async (held) => {
      expect(held.aborted).toBe(false);
      const lost = once(held, 'abort', { signal: AbortSignal.timeout(5000) });
      await cutLock(true);
      await lost;
      return other.withLockIfFree('it', () => Promise.resolve('begun by another'));
    });
    expect(done).toBe('begun by another');
    expect(await one.withLockIfFree('it', () => Promise.resolve('again'))).toBe('again');
  });

  test('whose holder is cut goes to whoever waits for it', async () => {
    let waiting: Promise<string> | undefined;
    await one.withLockIfFree('it', async () => {
      waiting = other.withLock('it', () => Promise.resolve('waited'));
      await until(async () => (await waiters()) === 1);
      await cutLock(true);
      expect(await waiting).toBe('waited');
    });
  });

  test('is not had by a waiter whose own connection was cut: it throws, and its work is not done', async () => {
    let ran = false;
    await one.withLockIfFree('it', async (held) => {
      const waiting = thrownBy(other.withLock('it', () => Promise.resolve((ran = true))));
      await until(async () => (await waiters()) === 1);
      await cutLock(false);
      expect(isLost(await waiting)).toBe(true);
      expect(held.aborted).toBe(false);
    });
    expect(ran).toBe(false);
    expect(await other.withLock('it', () => Promise.resolve('later'))).toBe('later');
  });
});

describe('a transaction whose connection is cut', () => {
  const cutInside = () =>
    outside`
      select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and state = 'idle in transaction'`;

  test.each([
    ['in the middle', (tx: () => Promise<unknown>) => tx()],
    ['before its end', () => Promise.resolve()],
  ])('%s throws, leaves nothing, and the next callers get connections that work', async (_, after) => {
    for (let time = 0; time < 3; time += 1) {
      const began = Date.now();
      const cut = one.transaction('write', TENANT, async (tx) => {
        await tx.execute(text`insert into notes values ('lost')`);
        await cutInside();
        await after(() => tx.execute(text`insert into notes values ('lost too')`));
      });
      expect(isLost(await thrownBy(cut))).toBe(true);
      await Promise.all(Array.from({ length: 12 }, (_unused, at) => note(one, `${time} ${at}`)));
      expect(Date.now() - began).toBeLessThan(10_000);
    }
    expect(await notes()).toHaveLength(36);
    expect(await notes()).not.toContain('lost');
  });

  test('takes no other with it: what runs beside it on the same pool commits, and once', async () => {
    let go = (): void => {};
    const gate = new Promise<void>((done) => (go = done));
    let begun = (): void => {};
    const ready = new Promise<void>((done) => (begun = done));
    const beside = one.transaction('write', TENANT, async (tx) => {
      await tx.execute(text`insert into notes values ('beside')`);
      const [row] = await tx.execute<{ pid: number }>(text`select pg_backend_pid() as pid`);
      begun();
      await gate;
      return row?.pid;
    });
    await ready;
    const cut = one.transaction('write', TENANT, async (tx) => {
      const [row] = await tx.execute<{ pid: number }>(
        text`insert into notes values ('lost') returning pg_backend_pid() as pid`,
      );
      await outside`select pg_terminate_backend(${row?.pid ?? 0})`;
      await tx.execute(text`select 1`);
    });
    expect(isLost(await thrownBy(cut))).toBe(true);
    go();
    await beside;
    await note(one, 'after');
    expect(await notes()).toEqual(['after', 'beside']);
  });
});
