import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'drizzle-orm';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { entryHash, type LedgerEntry } from '#domain/ledger/entry.ts';
import { verifyLedger } from '#domain/ledger/verify.ts';
import { checkpointLedger } from '#engine/checkpoint.ts';
import { transact } from '#engine/transact.ts';
import { main } from '../../src/main/cli.ts';
import { openWorld, type World } from '../support/world.ts';

/** The ledger from outside: entries can be found, are complete, and can be verified without us (law 11). */
let world: World;
let mandate: string;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'prokura-ledger-'));
  world = await openWorld();
  mandate = await world.mandate('bob', await world.agent('ledger-bot', 'bob'));
});
afterAll(async () => {
  await world.close();
  rmSync(folder, { recursive: true, force: true });
});

const get = (path: string, init: RequestInit = {}) =>
  fetch(`${world.url}${path}`, {
    ...init,
    headers: { authorization: `Bearer ${world.company.api_keys.admin}` },
  });
const json = async (path: string, init?: RequestInit) =>
  (await (await get(path, init)).json()) as Record<string, unknown>;
const entries = async (query: string) => (await json(`/v1/ledger?${query}`))['entries'] as LedgerEntry[];
const exported = async () => (await (await get('/v1/ledger/export')).text()).trimEnd().split('\n');
const record = (event: 'CALL_DENIED', actor: string, data: Record<string, unknown> = {}) =>
  transact(world.app, world.tenantId, (ctx) => Promise.resolve(ctx.record({ event, actor, data })));

/** Runs the command on these lines. Returns the exit code and its output. */
async function verify(lines: readonly string[], ...more: string[]) {
  const file = join(folder, 'ledger.ndjson');
  writeFileSync(file, lines.join('\n'));
  const said: string[] = [];
  const say = (text: string) => void said.push(text);
  const code = await main(['verify-ledger', file, ...more], { out: say, err: say, env: {} });
  return { code, text: said.join('') };
}

describe('filters', () => {
  it('find by event, by several events, by actor and by everything that an entry names', async () => {
    const bob = await world.person('bob');
    const some = await entries('event=MANDATE_CREATED,AGENT_REGISTERED');
    expect(new Set(some.map((entry) => entry.event))).toEqual(
      new Set(['MANDATE_CREATED', 'AGENT_REGISTERED']),
    );
    const created = some.find((entry) => entry.event === 'MANDATE_CREATED')!;
    const about = await entries(`mandate=${mandate}`);
    expect(about.map((entry) => entry.seq)).toContain(created.seq);
    expect(about.every((entry) => JSON.stringify(entry).includes(mandate))).toBe(true);
    expect(
      (await entries(`person=${bob.id}&event=MANDATE_CREATED&mandate=${mandate}`)).map((one) => one.seq),
    ).toEqual([created.seq]);
    expect(await entries(`agent=${String(created.data['agent'])}&event=MANDATE_CREATED`)).toEqual([created]);
    const mine = await entries(`actor=${encodeURIComponent(created.actor)}`);
    expect(mine.map((entry) => entry.seq)).toContain(created.seq);
    expect(mine.every((entry) => entry.actor === created.actor)).toBe(true);
    expect(await entries('agent=agt_00000000000000000000000000')).toEqual([]);
  });

  it('refuse an event that does not exist, and name those that do', async () => {
    for (const path of ['/v1/ledger?', '/v1/ledger/export?'])
      for (const event of ['NOPE', 'mandate_created', 'MANDATE_CREATED,NOPE']) {
        const response = await get(`${path}event=${event}`);
        expect(response.status).toBe(400);
        expect(await response.json()).toMatchObject({
          code: 'invalid_input',
          detail: expect.stringMatching(
            /event: unknown event (?:NOPE|mandate_created); use one of MANDATE_CREATED, /,
          ),
        });
      }
  });

  it('page in both directions without a gap or a double, with and without a filter', async () => {
    const all = await entries('limit=1000');
    for (const filter of ['', `&mandate=${mandate}`, '&event=key_created,MANDATE_CREATED,tenant_created']) {
      const wanted = await entries(`limit=1000${filter}`);
      for (const order of ['oldest', 'newest'] as const) {
        const seen: number[] = [];
        for (let cursor: string | null = ''; cursor !== null;) {
          const page: Record<string, unknown> = await json(
            `/v1/ledger?limit=2&order=${order}${filter}${cursor === '' ? '' : `&cursor=${cursor}`}`,
          );
          seen.push(...(page['entries'] as LedgerEntry[]).map((entry) => entry.seq));
          cursor = page['next_cursor'] as string | null;
        }
        const seqs = wanted.map((entry) => entry.seq);
        expect(seen).toEqual(order === 'oldest' ? seqs : seqs.toReversed());
      }
    }
    expect(all.map((entry) => entry.seq)).toEqual(all.map((_, index) => index + 1));
  });

  it('cut out a range of time', async () => {
    const all = await entries('limit=1000');
    const at = all[Math.floor(all.length / 2)]!.at;
    const [before, after] = [await entries(`limit=1000&to=${at}`), await entries(`limit=1000&from=${at}`)];
    expect(before.every((entry) => entry.at < at) && after.every((entry) => entry.at >= at)).toBe(true);
    expect(before.length + after.length).toBe(all.length);
  });

  it.each(['event=a;b', 'person=bob', 'from=yesterday', 'order=sideways', 'colour=red'])(
    '%s is refused',
    async (query) => {
      expect((await get(`/v1/ledger?${query}`)).status).toBe(400);
    },
  );
});

describe('checkpoints', () => {
  const jwks = async () => {
    const file = join(folder, 'jwks.json');
    const metadata = (await (
      await fetch(`${world.url}/.well-known/oauth-authorization-server/t/${world.tenantId}`)
    ).json()) as { jwks_uri: string };
    writeFileSync(file, await (await fetch(metadata.jwks_uri)).text());
    return file;
  };

  it('are made on demand, once for each place of the chain, and everybody may read them', async () => {
    const made = await json('/v1/ledger/checkpoints', { method: 'POST' });
    const again = await json('/v1/ledger/checkpoints', { method: 'POST' });
    expect(again['jws']).toBe(made['jws']);
    const list = await fetch(`${world.url}/v1/ledger/checkpoints?tenant=${world.tenantId}`);
    expect(list.status).toBe(200);
    expect(((await list.json()) as { checkpoints: unknown[] }).checkpoints[0]).toEqual(made);
    const other = await fetch(`${world.url}/v1/ledger/checkpoints?tenant=tnt_00000000000000000000000000`);
    expect(await other.json()).toEqual({ checkpoints: [], next_cursor: null });
    expect((await fetch(`${world.url}/v1/ledger/checkpoints`, { method: 'POST' })).status).toBe(401);
  });

  it('prove that the end of an export is there, and find a missing tail and a chain that was written anew', async () => {
    await record('CALL_DENIED', 'somebody');
    const { jws } = await checkpointLedger(world.app, world.tenantId);
    const keys = await jwks();
    const lines = await exported();
    const { seq } = await checkpointLedger(world.app, world.tenantId);
    expect(await verify(lines, '--checkpoint', jws, '--jwks', keys)).toMatchObject({ code: 0 });
    expect((await verify(lines, '--checkpoint', jws)).text).toContain('signatures were not looked at');

    const cut = lines.slice(0, -2);
    expect((await verify(cut)).code).toBe(0);
    const found = await verify(cut, '--checkpoint', jws, '--jwks', keys);
    expect(found.code).toBe(1);
    expect(found.text).toContain('missing from the end');
    expect(seq).toBe(lines.length);

    let hash = '0'.repeat(64);
    const anew = lines.map((line) => {
      const { hash: _, ...entry } = JSON.parse(line) as LedgerEntry;
      const link = { ...entry, actor: 'nobody', prev_hash: hash };
      hash = entryHash(link);
      return JSON.stringify({ ...link, hash });
    });
    expect((await verify(anew)).code).toBe(0);
    expect((await verify(anew, '--checkpoint', jws)).text).toContain('not the same chain');
  });

  it('count only with the signature of one of the given keys, whatever the file around them', async () => {
    const list = join(folder, 'checkpoints.json');
    writeFileSync(list, JSON.stringify(await json(`/v1/ledger/checkpoints?tenant=${world.tenantId}`)));
    const lines = await exported();
    expect(await verify(lines, '--checkpoint', list, '--jwks', await jwks())).toMatchObject({ code: 0 });
    const none = join(folder, 'none.json');
    writeFileSync(none, '{"keys":[]}');
    expect((await verify(lines, '--checkpoint', list, '--jwks', none)).text).toContain(
      'not signed by any of the keys',
    );
    expect((await verify(lines, '--checkpoint', 'eyJ.e30.AA')).code).toBe(2);
    expect((await verify(lines, '--jwks', none)).code).toBe(2);
  });
});

interface Event {
  class_uid: 3001 | 3002 | 3003 | 3004 | 3005 | 6003;
  activity_id: number;
  type_uid: number;
  category_uid: number;
  time: number;
  activity_name: string;
  metadata: object;
  unmapped: LedgerEntry;
}

describe('an export', () => {
  it('any line changed, removed, doubled or moved is found', async () => {
    const lines = await exported();
    expect(verifyLedger(lines).problems).toEqual([]);
    const index = fc.integer({ min: 0, max: lines.length - 2 });
    fc.assert(
      fc.property(index, fc.constantFrom('change', 'remove', 'double', 'swap'), (at, how) => {
        const wrong = {
          change: () => lines.with(at, lines[at]!.replace(/"actor":"[^"]*"/, '"actor":"mallory"')),
          remove: () => (at === 0 ? lines.toSpliced(1, 1) : lines.toSpliced(at, 1)),
          double: () => lines.toSpliced(at, 0, lines[at]!),
          swap: () => lines.with(at, lines[at + 1]!).with(at + 1, lines[at]!),
        }[how]();
        expect(verifyLedger(wrong).problems).not.toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  it('as OCSF says of every entry what a SIEM needs, and holds the entry itself', async () => {
    const text = await (await get('/v1/ledger/export?format=ocsf')).text();
    const events = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Event);
    expect(events.length).toBeGreaterThan(10);
    for (const event of events) {
      expect(event.type_uid).toBe(event.class_uid * 100 + event.activity_id);
      expect(event.category_uid).toBe(Math.floor(event.class_uid / 1000));
      expect(event.time).toBe(Date.parse(event.unmapped.at));
      expect(event.metadata).toMatchObject({
        version: '1.3.0',
        uid: event.unmapped.id,
        sequence: event.unmapped.seq,
      });
      const needed = {
        3001: 'user',
        3002: 'user',
        3003: 'privileges',
        3004: 'entity',
        3005: 'privileges',
        6003: 'api',
      };
      expect(event).toHaveProperty(needed[event.class_uid]);
    }
    expect(events.find((event) => event.activity_name === 'MANDATE_CREATED')).toMatchObject({
      class_uid: 3005,
      activity_id: 1,
      user: { uid: (await world.person('bob')).id },
    });
  });

  it('with a filter holds what was asked for, and says in the ledger what was taken', async () => {
    const text = await (await get('/v1/ledger/export?event=MANDATE_CREATED')).text();
    expect(
      text
        .trimEnd()
        .split('\n')
        .map((line) => (JSON.parse(line) as LedgerEntry).event),
    ).toEqual(['MANDATE_CREATED']);
    expect((await world.ledger('ledger_exported')).at(-1)?.data).toMatchObject({
      filter: { event: 'MANDATE_CREATED' },
      format: 'ndjson',
    });
  });
});

describe('writing', () => {
  it('20 writers at once, batched and in transactions of their own, leave one chain without a gap', async () => {
    const before = (await exported()).length;
    const writers = Array.from({ length: 20 }, async (_, writer) => {
      for (let time = 0; time < 10; time += 1) {
        const data = { writer, time };
        if (writer % 2 === 0) await record('CALL_DENIED', `writer-${writer}`, data);
        else
          await world.app.ledgerBatch.add(world.tenantId, {
            event: 'CALL_DENIED',
            actor: `writer-${writer}`,
            data,
          });
      }
    });
    await Promise.all(writers);
    const lines = await exported();
    expect(verifyLedger(lines)).toMatchObject({ problems: [], firstSeq: 1, lastSeq: lines.length });
    const mine = lines.slice(before).map((line) => JSON.parse(line) as LedgerEntry);
    for (let writer = 0; writer < 20; writer += 1)
      expect(
        mine.filter((entry) => entry.actor === `writer-${writer}`).map((entry) => entry.data['time']),
      ).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('a transaction that is killed or throws after it has recorded leaves nothing, and the chain goes on', async () => {
    const killed = transact(world.app, world.tenantId, async (ctx) => {
      ctx.record({ event: 'CALL_DENIED', actor: 'killed', data: {} });
      const [row] = await ctx.db.execute<{ pid: number }>(sql`select pg_backend_pid() as pid`);
      await world.sql`select pg_terminate_backend(${row!.pid})`;
    });
    await expect(killed).rejects.toMatchObject({ name: expect.any(String) as string });
    const thrown = transact(world.app, world.tenantId, (ctx) => {
      ctx.record({ event: 'CALL_DENIED', actor: 'thrown', data: {} });
      return Promise.reject(new Error('no'));
    });
    await expect(thrown).rejects.toThrow('no');
    await record('CALL_DENIED', 'survivor');
    const lines = await exported();
    expect(verifyLedger(lines).problems).toEqual([]);
    expect(lines.join('')).not.toMatch(/"actor":"(?:killed|thrown)"/);
    expect(lines.join('')).toContain('"actor":"survivor"');
  });

  it('no character of an entry loses it: what PostgreSQL cannot store is replaced before it is hashed', async () => {
    await record('CALL_DENIED', 'odd\0', {
      reason: 'a\0b\uD800',
      big: 1e21,
      small: 1e-7,
      minus: -0,
      list: [undefined],
    });
    const [entry] = await entries('order=newest&limit=1');
    expect(entry).toMatchObject({ actor: 'odd\uFFFD', data: { reason: 'a\uFFFDb\uFFFD', list: [null] } });
    expect(verifyLedger(await exported()).problems).toEqual([]);
  });

  it('5,000 entries of one transaction are one statement and one chain', async () => {
    await transact(world.app, world.tenantId, (ctx) => {
      for (let n = 0; n < 5000; n += 1) ctx.record({ event: 'CALL_DENIED', actor: 'bulk', data: { n } });
      return Promise.resolve();
    });
    expect(verifyLedger(await exported()).problems).toEqual([]);
  });
});
