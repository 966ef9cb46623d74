/** The credential in an `Authorization` header. */
export interface Credential {
  /** In lower case, because schemes are compared ignoring case. */
  readonly scheme: string;
  readonly token: string;
}

/**
 * Reads `Authorization: <scheme> <token>` (RFC 9110 section 11.4, RFC 6750 section 2.1, RFC 9449 section
 * 7.1). Null if there is no header or it has another form; a token contains no white space. API keys contain
 * a colon, so more characters are allowed than in RFC 6750. Does not check whether the scheme is supported.
 */
export function credentialOf(header: string | null | undefined): Credential | null {
  const [, scheme, token] = /^([!#$%&'*+.^_`|~\w-]+) +(\S+)$/.exec(header ?? '') ?? [];
  return scheme === undefined || token === undefined ? null : { scheme: scheme.toLowerCase(), token };
}
