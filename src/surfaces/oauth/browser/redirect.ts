import { isLoopback } from '#lib/url.ts';

/**
 * Whether the answer stays on the person's computer: a loopback address, or an app's own scheme, which nobody
 * can prove to own (RFC 8252).
 */
export function isLocalRedirect(redirectUri: string): boolean {
  const url = URL.parse(redirectUri);
  return url === null || url.protocol !== 'https:' || isLoopback(url);
}

/** Where the answer goes: for people (`host`) and as a CSP source (`source`). */
export function redirectTarget(redirectUri: string): { host: string; source: string } {
  const url = new URL(redirectUri);
  const web = url.protocol === 'https:' || url.protocol === 'http:';
  return web
    ? { host: url.host, source: url.origin }
    : { host: `the app that opens ${url.protocol}`, source: url.protocol };
}
