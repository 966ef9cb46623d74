import { randomBytes } from 'node:crypto';

// The error codes that the simulator sends, with HTTP status and summary from Okta's list of error codes.
const CODES = {
  E0000001: [400, 'Api validation failed'],
  E0000003: [400, 'The request body was not well-formed.'],
  E0000006: [403, 'You do not have permission to perform the requested action'],
  E0000007: [404, 'Not found'],
  E0000009: [500, 'Internal Server Error'],
  E0000011: [401, 'Invalid token provided'],
  E0000016: [403, 'Activation failed because the user is already active'],
  E0000022: [405, 'The endpoint does not support the provided HTTP method'],
  E0000028: [400, 'The request is missing a required parameter.'],
  E0000031: [400, 'Invalid search criteria.'],
  E0000032: [403, 'Unlock is not allowed for this user.'],
  E0000038: [403, "This operation is not allowed in the user's current status."],
  E0000047: [429, 'API call exceeded rate limit due to too many requests.'],
  E0000075: [403, 'Cannot modify the attribute because it is mapped.'],
  E0000090: [400, 'Duplicate role assignment exception.'],
} as const satisfies Record<string, readonly [number, string]>;

/** An Okta error code that the simulator knows. */
export type OktaErrorCode = keyof typeof CODES;

/** Whether the simulator can send this code. */
export const isOktaErrorCode = (code: string): code is OktaErrorCode => Object.hasOwn(CODES, code);

/** The body of every Okta error (schema `Error`). */
export interface OktaErrorBody {
  readonly errorCode: string;
  readonly errorSummary: string;
  readonly errorLink: string;
  readonly errorId: string;
  readonly errorCauses: readonly { readonly errorSummary: string }[];
}

/** A refusal by the org. `summary` replaces the code's own text, and `causes` become `errorCauses`. */
export class OktaError extends Error {
  readonly code: OktaErrorCode;
  readonly status: number;
  readonly causes: readonly string[];

  constructor(code: OktaErrorCode, summary?: string, causes: readonly string[] = []) {
    super(summary ?? CODES[code][1]);
    this.code = code;
    this.status = CODES[code][0];
    this.causes = causes;
  }
}

/**
 * Validation failed (E0000001), in Okta's form: the field or operation in the summary, the reason as cause.
 */
export const invalid = (subject: string, ...causes: string[]): OktaError =>
  new OktaError('E0000001', `Api validation failed: ${subject}`, causes);

/** The object does not exist (E0000007): `Resource not found: <id> (<Kind>)`. */
export const notFound = (id: string, kind: string): OktaError =>
  new OktaError('E0000007', `Not found: Resource not found: ${id} (${kind})`);

/** Okta's body for an error code, with a fresh error id. The caller sends the status. */
export function errorBody(code: string, summary: string, causes: readonly string[] = []): OktaErrorBody {
  return {
    errorCode: code,
    errorSummary: summary,
    errorLink: code,
    errorId: `oae${randomBytes(16).toString('base64url')}`,
    errorCauses: causes.map((errorSummary) => ({ errorSummary })),
  };
}

/** The summary of a code. */
export const summaryOf = (code: OktaErrorCode): string => CODES[code][1];
