import postgres, { type Sql } from 'postgres';
import { openDatabase, SERVER_ROLE } from '#db/pool.ts';
import type { JobQueue } from '#db/queue.ts';
import type { TenantWriter } from '#domain/context.ts';
import type { LedgerEntry } from '#domain/ledger/entry.ts';
import { beginLedger, ledgerEntries } from '#domain/ledger/store.ts';
import { createApiKeyCheck } from '#domain/tenant/api-key.ts';
import { DEFAULT_SETTINGS, type TenantSettings } from '#domain/tenant/settings.ts';
import { tenants } from '#domain/tenant/tables.ts';
import type { App } from '#engine/app.ts';
import { readonly, transact } from '#engine/transact.ts';
import { openSecrets } from '#lib/crypto.ts';
import { newId } from '#lib/id.ts';
import { createLogger } from '#lib/log.ts';
import { copyDatabase } from './copy-database.ts';

/** The base URL of a bare world. Nothing answers there. */
export const BASE = 'https://prokura.test';

type BareApp = Pick<
  App,
  'apiKey' | 'baseUrl' | 'database' | 'log' | 'mode' | 'now' | 'queue' | 'secrets' | 'subscribers'
>;

/**
 * What every world has. `openBareWorld` and `openWorld` open one; `withTokens`, `withScim` and `withAgents`
 * add members to it.
 */
export interface AnyWorld {
  readonly app: BareApp;
  /** The URL of the world's own database, as its owner. */
  readonly ownerUrl: string;
  /** Connects as the owner, to whom row-level security does not apply, to look at rows. */
  readonly sql: Sql;
  /** Log lines, parsed. */
  readonly logs: Record<string, unknown>[];
  readonly write: <T>(tenantId: string, work: (ctx: TenantWriter) => Promise<T>) => Promise<T>;
  ledgerOf(tenantId: string, event?: string): Promise<LedgerEntry[]>;
  /** A tenant with nothing but its settings and a ledger. Returns its id. */
  emptyTenant(settings?: Partial<TenantSettings>): Promise<string>;
  readonly close: () => Promise<void>;
}

/** A migrated database without a server. What a test wants to run on it, it calls in its own process. */
export interface BareWorld extends AnyWorld {
  /** The time in milliseconds since 1970, or null for the real time. */
  clock: number | null;
  /** Cuts every connection to the database and refuses new ones, or accepts them again. */
  databaseOpen(open: boolean): Promise<void>;
}

/** The members of a world that write and read rows of any tenant. */
export const membersOnRows = (app: BareApp): Pick<AnyWorld, 'write' | 'ledgerOf' | 'emptyTenant'> => ({
  write: (tenantId, work) => transact(app, tenantId, work),
  ledgerOf: (tenantId, event) => readonly(app, tenantId, (ctx) => ledgerEntries(ctx, 0, 100_000, event)),
  emptyTenant: async (settings = {}) => {
    const id = newId('tnt');
    await transact(app, id, async (ctx) => {
      await ctx.db
        .insert(tenants)
        .values({ id, name: 'Acme', settings: { ...DEFAULT_SETTINGS, ...settings } });
      await beginLedger(ctx.db, id);
    });
    return id;
  },
});

/** Jobs go nowhere: there is no server to run them. */
const queue: JobQueue = {
  enqueue: async () => {},
  enqueueAll: async () => {},
  send: async () => {},
  work: async () => {},
  schedule: async () => {},
  stop: async () => {},
};

/** Opens a world without a server, simulators and people. `max` bounds its connections, 10 unless given. */
export async function openBareWorld(options: { max?: number } = {}): Promise<BareWorld> {
  const ownerUrl = await copyDatabase();
  const name = new URL(ownerUrl).pathname.slice(1);
  const admin = postgres(new URL('/postgres', ownerUrl).href, { max: 1, onnotice: () => {} });
  const sql = postgres(ownerUrl, { max: 4, onnotice: () => {} });
  const database = openDatabase(ownerUrl, { role: SERVER_ROLE, ...options });
  const logs: Record<string, unknown>[] = [];
  const app: BareApp = {
    apiKey: createApiKeyCheck(database.sql, 'sandbox'),
    baseUrl: BASE,
    database,
    log: createLogger('debug', {
      write: (line) => void logs.push(JSON.parse(line) as Record<string, unknown>),
    }),
    mode: 'sandbox',
    now: () => new Date(world.clock ?? Date.now()),
    queue,
    secrets: openSecrets(Buffer.alloc(32, 7).toString('base64')),
    subscribers: {},
  };
  const world: BareWorld = {
    ...membersOnRows(app),
    app,
    ownerUrl,
    sql,
    logs,
    clock: null,
    databaseOpen: async (open) => {
      await admin.unsafe(`alter database ${name} allow_connections ${open}`);
      if (!open) await admin`select pg_terminate_backend(pid) from pg_stat_activity where datname = ${name}`;
    },
    close: async () => {
      await database.close();
      await sql.end();
      await admin.unsafe(`drop database ${name} with (force)`);
      await admin.end();
    },
  };
  return world;
}
