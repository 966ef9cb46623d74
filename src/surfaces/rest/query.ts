import { z } from 'zod';
import { CALL_STATES } from '#domain/call/call.ts';
import { cursorField } from '#domain/paging.ts';
import { invalidInput, readOrFault } from '#lib/problems.ts';

/** The longest that a request may wait, in seconds (RFC 7240 section 4.3). */
export const MAX_WAIT_SECONDS = 20;

const limit = z.coerce
  .number()
  .int()
  .min(1)
  .max(100)
  .default(25)
  .describe('Maximum number of items to return.');

/** The query of `GET /v1/calls`. */
export const CallsQuery = z.strictObject({
  state: z.enum(CALL_STATES).optional().describe('Return only calls in this state.'),
  tool: z.string().max(60).optional().describe('Return only calls of this tool, by name.'),
  cursor: cursorField('call'),
  limit,
});

/** The query of `GET /v1/approvals`. */
export const ApprovalsQuery = z.strictObject({
  state: z
    .enum(['pending', 'approved', 'rejected', 'expired', 'withdrawn', 'superseded', 'waived'])
    .optional()
    .describe('Return only approvals in this state.'),
  cursor: cursorField('apr'),
  limit,
});

/**
 * The query of a request, parsed by the schema. Throws Fault `invalid_input` for unknown, repeated and wrong
 * parameters.
 */
export function queryOf<S extends z.ZodObject>(schema: S, url: URL): z.infer<S> {
  return readOrFault(schema, Object.fromEntries(parametersOf(url)), WRONG);
}

/** The parameters of a query. Throws Fault `invalid_input` where one is sent twice. */
export function parametersOf(url: URL): URLSearchParams {
  const names = [...url.searchParams.keys()];
  if (new Set(names).size < names.length)
    throw invalidInput(WRONG, [{ field: '', problem: 'a parameter is sent twice' }]);
  return url.searchParams;
}

const WRONG = 'The query is invalid';

/** The seconds of `Prefer: wait=N` (RFC 7240), at most `MAX_WAIT_SECONDS`. Null without that preference. */
export function waitSeconds(prefer: string | null): number | null {
  const wait = /(?:^|[,;])\s*wait\s*=\s*"?(\d{1,6})"?\s*(?:[,;]|$)/i.exec(prefer ?? '')?.[1];
  return wait === undefined ? null : Math.min(Number(wait), MAX_WAIT_SECONDS);
}
