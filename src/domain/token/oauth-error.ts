/**
 * The error codes that our OAuth endpoints return: RFC 6749 section 5.2, RFC 8693 section 2.2.2,
 * RFC 9396 section 5, RFC 7009 section 2.1, RFC 9449 section 5.
 */
export type OAuthErrorCode =
  | 'invalid_request'
  | 'invalid_client'
  | 'invalid_grant'
  | 'invalid_scope'
  | 'unauthorized_client'
  | 'invalid_target'
  | 'invalid_authorization_details'
  | 'invalid_dpop_proof'
  | 'unsupported_grant_type'
  | 'temporarily_unavailable'
  | 'server_error';

/**
 * A refusal as an OAuth error. `description` is public: it says what to do and never holds a token.
 * `reason` is for the ledger. `extra` holds further members of the JSON answer (`mandate_status`).
 * `status` is 401 for `invalid_client` and otherwise 400, unless given.
 */
export class OAuthError extends Error {
  readonly error: OAuthErrorCode;
  readonly description: string;
  readonly status: number;
  readonly reason: string;
  readonly extra: Readonly<Record<string, unknown>>;

  constructor(
    error: OAuthErrorCode,
    reason: string,
    description: string,
    options: { status?: number; extra?: Readonly<Record<string, unknown>> } = {},
  ) {
    // RFC 6749 section 5.2 allows printable ASCII without the quotation mark and the backslash.
    const plain = description.replaceAll(/[^\x20-\x7e]|["\\]/g, "'");
    super(`${error}: ${plain}`);
    this.name = 'OAuthError';
    this.error = error;
    this.description = plain;
    this.status = options.status ?? (error === 'invalid_client' ? 401 : 400);
    this.reason = reason;
    this.extra = options.extra ?? {};
  }
}
