/** The value of a cookie in the request, or null. Does not decode it. */
export function cookieOf(request: Request, name: string): string | null {
  for (const pair of (request.headers.get('cookie') ?? '').split(';')) {
    const at = pair.indexOf('=');
    if (pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim();
  }
  return null;
}

/**
 * A `Set-Cookie` value for the path of `at` only (RFC 6265bis). It is `Lax`, because Okta redirects
 * back from another site; changes are POST requests, which carry no `Lax` cookie from other sites.
 * `seconds` 0 deletes it.
 */
export function cookie(name: string, value: string, at: URL, seconds: number): string {
  const secure = at.protocol === 'https:' ? '; Secure' : '';
  return `${name}=${value}; Path=${at.pathname}; Max-Age=${seconds}; HttpOnly; SameSite=Lax${secure}`;
}
