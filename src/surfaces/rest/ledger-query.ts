import { z } from 'zod';
import { LEDGER_EVENTS } from '#domain/ledger/entry.ts';

const id = (prefix: string, what: string) =>
  z
    .string()
    .regex(new RegExp(`^${prefix}_[0-9a-z]{26}$`), `must be an ID (${prefix}_…)`)
    .optional()
    .describe(`Return only entries about this ${what}, by ID.`);

const EVENTS = LEDGER_EVENTS.join(', ');
const known: ReadonlySet<string> = new Set(LEDGER_EVENTS);
const unknownEvents = (names: string): string[] => names.split(',').filter((name) => !known.has(name));

const filter = {
  event: z
    .string()
    .regex(/^[A-Za-z_]{1,60}(?:,[A-Za-z_]{1,60}){0,49}$/, {
      error: 'must be event names, separated by commas',
      abort: true,
    })
    .refine((names) => unknownEvents(names).length === 0, {
      error: ({ input }) => `unknown event ${unknownEvents(String(input)).join(', ')}; use one of ${EVENTS}`,
    })
    .optional()
    .describe(`Return only entries of these events, separated by commas: ${EVENTS}.`),
  actor: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe('Return only entries of this actor, exactly as recorded.'),
  person: id('usr', 'person'),
  agent: id('agt', 'agent'),
  mandate: id('mdt', 'mandate'),
  call: id('call', 'call'),
  from: z.iso.datetime({ offset: true }).optional().describe('Return only entries from this time on.'),
  to: z.iso.datetime({ offset: true }).optional().describe('Return only entries before this time.'),
};

const count = (lowest: number) => z.coerce.number().int().min(lowest);

/** The query of `GET /v1/ledger`. An entry must match every given parameter. */
export const LedgerQuery = z.strictObject({
  ...filter,
  order: z
    .enum(['oldest', 'newest'])
    .default('oldest')
    .describe('Order of the entries. A cursor is only valid for the order it was returned with.'),
  cursor: count(0).optional().describe('next_cursor from the previous page: the number of its last entry.'),
  limit: count(1).max(1000).default(100).describe('Maximum number of entries to return.'),
});

/** The query of `GET /v1/ledger/export`. */
export const LedgerExportQuery = z.strictObject({
  ...filter,
  format: z
    .enum(['ndjson', 'ocsf'])
    .default('ndjson')
    .describe(
      'ndjson: the entries as they were hashed. ocsf: events of the Open Cybersecurity Schema Framework, for a SIEM.',
    ),
});

/** The query of `GET /v1/ledger/checkpoints`. */
export const CheckpointsQuery = z.strictObject({
  tenant: z
    .string()
    .regex(/^tnt_[0-9a-z]{26}$/, 'must be a tenant ID (tnt_…)')
    .describe('Tenant whose ledger to read.'),
  cursor: count(0).optional().describe('next_cursor from the previous page.'),
  limit: count(1).max(500).default(100).describe('Maximum number of checkpoints to return.'),
});
