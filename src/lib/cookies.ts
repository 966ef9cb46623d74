import { generateCookie } from 'hono/cookie';
import { parse } from 'hono/utils/cookie';

/** The value of a cookie in the request, decoded, or null. */
export const cookieOf = (request: Request, name: string): string | null =>
  parse(request.headers.get('cookie') ?? '', name)[name] ?? null;

/**
 * A `Set-Cookie` value for the path of `at` only (RFC 6265bis). It is `Lax`, because Okta redirects
 * back from another site; changes are POST requests, which carry no `Lax` cookie from other sites.
 * `seconds` 0 deletes it.
 */
export const cookie = (name: string, value: string, at: URL, seconds: number): string =>
  generateCookie(name, value, {
    path: at.pathname,
    maxAge: seconds,
    httpOnly: true,
    secure: at.protocol === 'https:',
    sameSite: 'Lax',
  });
