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
    'The ledger, one entry per line (API key with `ledger:read`). Verify a complete export with `prokura verify-ledger`; a filtered export does not prove that nothing was left out',
    queryParameters(LedgerExportQuery),
    { 'application/x-ndjson': { schema: ref('LedgerEntry') } },
  ),
  '/v1/ledger/checkpoints': {
    get: {
      operationId: 'listLedgerCheckpoints',
      summary: 'Signed checkpoints of the ledger, newest first',
      description:
        'Public. If you keep a checkpoint elsewhere, you can later use `prokura verify-ledger --checkpoint` to prove that an export is not missing its end. Signed every hour in which something happened.',
      security: [],
      parameters: queryParameters(CheckpointsQuery),
      responses: {
        200: { description: 'The response.', content: page('checkpoints', 'LedgerCheckpoint') },
        400: problem,
        503: ref('Later', 'responses'),
      },
    },
    post: {
      operationId: 'makeLedgerCheckpoint',
      summary: 'Signs a checkpoint of the ledger now (API key with `ledger:read`)',
      parameters: [ONCE],
      responses: {
        201: {
          description: 'The checkpoint, or the last one if nothing has happened since.',
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
