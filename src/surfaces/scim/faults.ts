import { asFault, Fault, type FaultCode, type FaultOptions } from '#lib/fault.ts';
import { retryAfterSeconds } from '#lib/retry-after.ts';

/** The error types of a 400, and `uniqueness` of a 409 (RFC 7644 section 3.12, table 9). */
export type ScimType =
  | 'invalidFilter'
  | 'tooMany'
  | 'uniqueness'
  | 'mutability'
  | 'invalidSyntax'
  | 'invalidPath'
  | 'noTarget'
  | 'invalidValue';

const ERROR_SCHEMA = 'urn:ietf:params:scim:api:messages:2.0:Error';

interface Entry {
  readonly status: number;
  readonly scimType?: ScimType;
}

// The SCIM error of each fault. An internal failure never becomes 404, since clients take 404 to mean that
// the user is gone.
const STATUS = {
  invalid_input: { status: 400, scimType: 'invalidValue' },
  unauthenticated: { status: 401 },
  forbidden: { status: 403 },
  not_found: { status: 404 },
  conflict: { status: 409, scimType: 'uniqueness' },
  rate_limited: { status: 429 },
  unavailable: { status: 503 },
  internal: { status: 500 },
} as const satisfies Record<FaultCode, Entry>;

/** A refusal of SCIM's own: a 400 with an error type, or an HTTP status that no fault code has. */
export class ScimFault extends Fault {
  readonly answer: Entry;

  constructor(answer: Entry, message: string, options: FaultOptions = {}) {
    super('invalid_input', message, options);
    this.answer = answer;
  }
}

/** A 400 with this error type. */
export const scimFault = (scimType: ScimType, message: string, options: FaultOptions = {}): ScimFault =>
  new ScimFault({ status: 400, scimType }, message, options);

/** A refusal with an HTTP status that no fault code has. */
export const httpFault = (status: 405 | 412 | 413 | 415, message: string): ScimFault =>
  new ScimFault({ status }, message);

/**
 * Anything thrown, as a Fault. No answer from the database is `unavailable`, an identity that two writers
 * claim at once is `conflict`, and everything else is `internal`. SQLSTATE classes: PostgreSQL manual,
 * appendix A.
 */
export function scimFaultOf(error: unknown): Fault {
  if (error instanceof Fault) return error;
  const code = databaseCode(error);
  if (code === '23505') {
    return new Fault('conflict', 'Another user already has this identity. Read the users again.', {
      cause: error,
    });
  }
  if (/^(?:08|40|53|57)...$|^25006$|^E[A-Z]+$|^CONNECT(?:ION)?_[A-Z_]+$/.test(code)) {
    return new Fault('unavailable', 'The database is not responding or is too busy. Try again.', {
      cause: error,
    });
  }
  return asFault(error);
}

/** The code of the error or of its nearest cause, since drizzle wraps what the driver throws. */
function databaseCode(error: unknown): string {
  if (!(error instanceof Error)) return '';
  return 'code' in error && typeof error.code === 'string' ? error.code : databaseCode(error.cause);
}

/** The SCIM Error response (RFC 7644 section 3.12). `status` is a string, as the RFC and Okta require. */
export function errorResponse(fault: Fault): Response {
  const { status, scimType }: Entry = fault instanceof ScimFault ? fault.answer : STATUS[fault.code];
  const body = {
    schemas: [ERROR_SCHEMA],
    status: String(status),
    ...(scimType === undefined ? {} : { scimType }),
    detail: fault.message,
  };
  const headers = new Headers({ 'content-type': 'application/scim+json; charset=utf-8' });
  if (fault.code === 'rate_limited' || fault.code === 'unavailable')
    headers.set('retry-after', String(retryAfterSeconds(fault)));
  if (status === 401) headers.set('www-authenticate', 'Bearer realm="scim"');
  return new Response(JSON.stringify(body), { status, headers });
}
