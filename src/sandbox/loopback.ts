const LOOPBACK = /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/i;

/**
 * Whether a request to a simulator comes from somewhere else than this machine's own programs and the simulator's own pages: its Host is no loopback name
 * (DNS rebinding), or its Origin is another one than it was sent to. Programs send no Origin.
 */
export function isForeign(origin: string | undefined, host: string | undefined): boolean {
  if (host === undefined || !LOOPBACK.test(host)) return true;
  return origin !== undefined && origin !== `http://${host}`;
}
