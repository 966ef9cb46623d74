import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { actorName } from '#domain/actor.ts';
import { listCheckpoints, type KeptCheckpoint } from '#domain/ledger/checkpoint-store.ts';
import type { LedgerEntry } from '#domain/ledger/entry.ts';
import { findLedger, type LedgerFilter } from '#domain/ledger/find.ts';
import { toOcsf } from '#domain/ledger/ocsf.ts';
import type { App } from '#engine/app.ts';
import { checkpointLedger } from '#engine/checkpoint.ts';
import { browse } from '#engine/transact.ts';
import { Fault } from '#lib/fault.ts';
import { retryAfterSeconds } from '#lib/retry-after.ts';
import type { Caller } from './authenticate.ts';
import { CheckpointsQuery, LedgerExportQuery, LedgerQuery } from './ledger-query.ts';
import { answerOf, pageOf, route, type Patience } from './route.ts';

/** An entry exactly as it was hashed (src/domain/ledger/entry.ts). */
export const LedgerLine = z.object({
  tenant: z.string(),
  seq: z.number(),
  id: z.string(),
  at: z.iso.datetime(),
  event: z.string(),
  actor: z.string(),
  data: z.record(z.string(), z.unknown()),
  prev_hash: z.string(),
  hash: z.string(),
});

/** A checkpoint as it is published. */
export const CheckpointView = z.object({
  seq: z.number().describe('Number of entries in the chain.'),
  hash: z.string().describe('Hash of the last entry.'),
  at: z.iso.datetime(),
  jws: z
    .string()
    .describe(
      "These values and the tenant as a JWS (ES256, RFC 7515), signed with the tenant's key, which its JWKS publishes.",
    ),
});

const PAGE = 1000;
const TRIES = 12;

type Asked = Pick<
  z.infer<typeof LedgerQuery>,
  'event' | 'actor' | 'person' | 'agent' | 'mandate' | 'call' | 'from' | 'to'
>;

function filterOf({ event, from, to, ...query }: Asked): LedgerFilter {
  const { actor, person, agent, mandate, call } = query;
  return {
    events: event?.split(','),
    actor,
    things: [call, mandate, agent, person].filter((thing) => thing !== undefined),
    from: from === undefined ? undefined : new Date(from),
    to: to === undefined ? undefined : new Date(to),
  };
}

/** A page of the ledger, oldest or newest first. */
async function listLedger(
  app: App,
  caller: Caller,
  query: z.infer<typeof LedgerQuery>,
  { signal }: Patience,
) {
  const page = { cursor: query.cursor ?? null, order: query.order, limit: query.limit + 1 };
  const rows = await browse(app, caller.tenantId, signal, (reader) =>
    findLedger(reader, filterOf(query), page),
  );
  const entries = rows.slice(0, query.limit);
  return { entries, next_cursor: rows.length > entries.length ? String(entries.at(-1)?.seq) : null };
}

/**
 * Exports the ledger as NDJSON, oldest first, with one entry or OCSF event per line. Pages are read as the
 * client takes them. The export is an entry itself, committed before the first byte, and it covers what the
 * ledger contained then. A failure breaks off the connection, so a file that ended well is complete. A
 * filtered export no longer proves that nothing was left out.
 */
async function exportLedger(
  app: App,
  caller: Caller,
  query: z.infer<typeof LedgerExportQuery>,
  { signal }: Patience,
): Promise<Response> {
  const { format, ...asked } = query;
  const filter = filterOf(asked);
  await app.ledgerBatch.add(caller.tenantId, {
    event: 'ledger_exported',
    actor: actorName(caller.actor),
    data: {
      surface: 'rest',
      format,
      ...(Object.keys(asked).length === 0 ? {} : { filter: asked }),
      ...('keyId' in caller.actor ? { key_id: caller.actor.keyId } : {}),
    },
  });
  const line = format === 'ocsf' ? toOcsf : (entry: LedgerEntry) => entry;
  const encoder = new TextEncoder();
  const after = (cursor: number) =>
    browse(app, caller.tenantId, signal, (reader) =>
      findLedger(reader, filter, { cursor, order: 'oldest', limit: PAGE }),
    );
  // Before anything is sent, so that a refusal has its status.
  let entries = await after(0);
  let begun = false;
  const body = new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      const last = entries.at(-1)?.seq ?? 0;
      if (begun) entries = await patiently(() => after(last), signal);
      begun = true;
      const done = entries.length < PAGE;
      if (entries.length > 0)
        controller.enqueue(
          encoder.encode(entries.map((entry) => `${JSON.stringify(line(entry))}\n`).join('')),
        );
      if (done) controller.close();
    },
  });
  return new Response(body, {
    headers: {
      'content-type': 'application/x-ndjson',
      'content-disposition': `attachment; filename="ledger${format === 'ocsf' ? '.ocsf' : ''}.ndjson"`,
    },
  });
}

/** The next page of an export under way: where no place is free, it tries for a minute. */
async function patiently<T>(read: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof Fault) || error.detail.reason !== 'busy' || tries === TRIES) throw error;
      await sleep(retryAfterSeconds(error) * 1000, undefined, { signal });
    }
  }
}

const checkpointView = ({ seq, hash, at, jws }: KeptCheckpoint): z.infer<typeof CheckpointView> => ({
  seq,
  hash,
  at: at.toISOString(),
  jws,
});

/**
 * A tenant's checkpoints, newest first. Public for everybody who knows the tenant's id: a checkpoint is worth
 * most if somebody else keeps it. It reveals how many entries there were, and when. An unknown tenant has
 * none.
 */
async function listLedgerCheckpoints(
  app: App,
  query: z.infer<typeof CheckpointsQuery>,
  { signal }: Patience,
) {
  const rows = await browse(app, query.tenant, signal, (reader) =>
    listCheckpoints(reader, query.cursor ?? null, query.limit + 1),
  );
  const page = rows.slice(0, query.limit);
  return {
    checkpoints: page.map(checkpointView),
    next_cursor: rows.length > page.length ? String(page.at(-1)?.seq) : null,
  };
}

/** Signs the head of the ledger now, without waiting for the hourly job. */
async function makeCheckpoint(app: App, caller: Caller): Promise<z.infer<typeof CheckpointView>> {
  return checkpointView(await checkpointLedger(app, caller.tenantId));
}

// Only API keys can have it: nobody else sees what concerns everybody.
const READER = { key: 'ledger:read' } as const;

/** The routes of the ledger. */
export const LEDGER_ROUTES = [
  route({
    method: 'GET',
    path: '/v1/ledger',
    who: READER,
    operationId: 'listLedger',
    summary: 'The ledger, oldest or newest first (API key with `ledger:read`)',
    query: LedgerQuery,
    answer: pageOf('entries', LedgerLine),
    handle: ({ app, caller, query, patience }) => listLedger(app, caller, query, patience),
  }),
  route({
    method: 'GET',
    path: '/v1/ledger/export',
    who: READER,
    operationId: 'exportLedger',
    summary:
      'The ledger, one entry per line (API key with `ledger:read`). Verify a complete export with `prokura verify-ledger`; a filtered export does not prove that nothing was left out',
    query: LedgerExportQuery,
    answer: {
      status: 200,
      description: 'The response.',
      content: (named) => ({ 'application/x-ndjson': { schema: named(LedgerLine) } }),
    },
    handle: ({ app, caller, query, patience }) => exportLedger(app, caller, query, patience),
  }),
  route({
    method: 'GET',
    path: '/v1/ledger/checkpoints',
    who: 'anybody',
    operationId: 'listLedgerCheckpoints',
    summary: 'Signed checkpoints of the ledger, newest first',
    description:
      'Public. If you keep a checkpoint elsewhere, you can later use `prokura verify-ledger --checkpoint` to prove that an export is not missing its end. Signed every hour in which something happened.',
    query: CheckpointsQuery,
    answer: pageOf('checkpoints', CheckpointView),
    handle: ({ app, query, patience }) => listLedgerCheckpoints(app, query, patience),
  }),
  route({
    method: 'POST',
    path: '/v1/ledger/checkpoints',
    who: READER,
    operationId: 'makeLedgerCheckpoint',
    summary: 'Signs a checkpoint of the ledger now (API key with `ledger:read`)',
    once: 'answer',
    answer: answerOf(CheckpointView, 201, 'The checkpoint, or the last one if nothing has happened since.'),
    handle: ({ app, caller }) => makeCheckpoint(app, caller),
  }),
];
