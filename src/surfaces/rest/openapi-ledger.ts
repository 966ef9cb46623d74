import { CheckpointsQuery, LedgerExportQuery, LedgerQuery } from './ledger-query.ts';
import { get, ONCE, page, queryParameters, ref, type Json } from './openapi-parts.ts';

const problem = ref('Problem', 'responses');

/** The paths of the ledger. */
export const LEDGER_PATHS: Json = {
  '/v1/ledger': get(
    'listLedger',
    'The ledger, oldest or newest first (API key with `ledger:read`)',
    queryParameters(LedgerQuery),
    page('entries', 'LedgerEntry'),
  ),
  '/v1/ledger/export': get(
    'exportLedger',
    'The ledger, one entry a line (API key with `ledger:read`). Whole, it is what `prokura verify-ledger` verifies; with a filter it no longer proves that nothing was left out',
    queryParameters(LedgerExportQuery),
    { 'application/x-ndjson': { schema: ref('LedgerEntry') } },
  ),
  '/v1/ledger/checkpoints': {
    get: {
      operationId: 'listLedgerCheckpoints',
      summary: 'Signed statements of where the ledger stood, newest first',
      description:
        'Public: whoever keeps one elsewhere can later prove with `prokura verify-ledger --checkpoint` that no tail of an export is missing. Signed every hour in which something happened.',
      security: [],
      parameters: queryParameters(CheckpointsQuery),
      responses: {
        200: { description: 'The answer.', content: page('checkpoints', 'LedgerCheckpoint') },
        400: problem,
        503: ref('Later', 'responses'),
      },
    },
    post: {
      operationId: 'makeLedgerCheckpoint',
      summary: 'Signs where the ledger stands now (API key with `ledger:read`)',
      parameters: [ONCE],
      responses: {
        201: {
          description: 'The checkpoint; the last one where nothing has happened since.',
          content: { 'application/json': { schema: ref('LedgerCheckpoint') } },
        },
        400: problem,
        401: ref('Unauthenticated', 'responses'),
        403: problem,
        409: problem,
        503: ref('Later', 'responses'),
      },
    },
  },
};
