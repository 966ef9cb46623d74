/** What an `Authorization` header presents. */
export interface Credential {
  /** In lower case: schemes are compared without regard to case. */
  readonly scheme: string;
  readonly token: string;
}

/**
 * Reads `Authorization: <scheme> <token>` (RFC 9110 section 11.4, RFC 6750 section 2.1, RFC 9449 section 7.1); null where there is no header, or it is not of that
 * form: one token without white space. API keys hold a colon, so the characters of a token are wider here than RFC 6750 has them.
 * Does not say whether the scheme is one that is taken.
 */
export function credentialOf(header: string | null | undefined): Credential | null {
  const [, scheme, token] = /^([!#$%&'*+.^_`|~\w-]+) +(\S+)$/.exec(header ?? '') ?? [];
  return scheme === undefined || token === undefined ? null : { scheme: scheme.toLowerCase(), token };
}
