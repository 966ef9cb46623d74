import { isLoopback } from '#lib/url.ts';

/**
 * Whether a request to a simulator comes from anywhere but this machine's programs and the simulator's own
 * pages: its Host is not a loopback name (DNS rebinding), or its Origin differs from the address that it was
 * sent to. Programs send no Origin. `origin` and `host` are the headers' values.
 */
export function isForeign(origin: string | undefined, host: string | undefined): boolean {
  const url = URL.parse(`http://${host}`);
  if (host === undefined || url === null || !isLoopback(url)) return true;
  return origin !== undefined && origin !== `http://${host}`;
}
