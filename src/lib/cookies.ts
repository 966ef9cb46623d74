/** The value of a cookie that the request carries, or null. */
export function cookieOf(request: Request, name: string): string | null {
  for (const pair of (request.headers.get('cookie') ?? '').split(';')) {
    const at = pair.indexOf('=');
    if (pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim();
  }
  return null;
}

/**
 * A cookie for this path alone (RFC 6265bis). `Lax`, since the way back from Okta comes from another site; what changes something is a
 * POST, which then carries none. `seconds` 0 takes it away.
 */
export function cookie(name: string, value: string, at: URL, seconds: number): string {
  const secure = at.protocol === 'https:' ? '; Secure' : '';
  return `${name}=${value}; Path=${at.pathname}; Max-Age=${seconds}; HttpOnly; SameSite=Lax${secure}`;
}
