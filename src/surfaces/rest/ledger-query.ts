import { z } from 'zod';
import { LEDGER_EVENTS } from '#domain/ledger/entry.ts';

const id = (prefix: string, what: string) =>
  z
    .string()
    .regex(new RegExp(`^${prefix}_[0-9a-z]{26}$`), `must be an id (${prefix}_…)`)
    .optional()
    .describe(`Only entries that name this ${what}, by id.`);

const EVENTS = LEDGER_EVENTS.join(', ');
const known: ReadonlySet<string> = new Set(LEDGER_EVENTS);
const unknownEvents = (names: string): string[] => names.split(',').filter((name) => !known.has(name));

const filter = {
  event: z
    .string()
    .regex(/^[A-Za-z_]{1,60}(?:,[A-Za-z_]{1,60}){0,49}$/, {
      error: 'must be names of events, separated by commas',
      abort: true,
    })
    .refine((names) => unknownEvents(names).length === 0, {
      error: ({ input }) => `there is no ${unknownEvents(String(input)).join(', ')}; take one of ${EVENTS}`,
    })
    .optional()
    .describe(`Only entries of this event, or of one of these, separated by commas: ${EVENTS}.`),
  actor: z.string().min(1).max(200).optional().describe('Only entries of this actor, as it stands in them.'),
  person: id('usr', 'person'),
  agent: id('agt', 'agent'),
  mandate: id('mdt', 'mandate'),
  call: id('call', 'call'),
  from: z.iso.datetime({ offset: true }).optional().describe('Only entries from this moment on.'),
  to: z.iso.datetime({ offset: true }).optional().describe('Only entries before this moment.'),
};

const count = (lowest: number) => z.coerce.number().int().min(lowest);

/** The query of `GET /v1/ledger`. An entry must match every given parameter. */
export const LedgerQuery = z.strictObject({
  ...filter,
  order: z
    .enum(['oldest', 'newest'])
    .default('oldest')
    .describe('Which entries come first. A cursor belongs to the order that it came from.'),
  cursor: count(0).optional().describe('The next_cursor of the page before: the number of its last entry.'),
  limit: count(1).max(1000).default(100).describe('At most this many.'),
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
    .regex(/^tnt_[0-9a-z]{26}$/, 'must be a tenant id (tnt_…)')
    .describe('Whose ledger.'),
  cursor: count(0).optional().describe('The next_cursor of the page before.'),
  limit: count(1).max(500).default(100).describe('At most this many.'),
});
