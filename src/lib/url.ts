const LOOPBACK = new Set(['127.0.0.1', 'localhost', '[::1]']);

/**
 * Whether a URL leads to this machine by one of the three names that people and programs use for it. Other
 * addresses of 127.0.0.0/8 do not count. Does not look at the scheme. Throws TypeError for a text that is not
 * a URL.
 */
export const isLoopback = (url: string | URL): boolean => LOOPBACK.has(new URL(url).hostname);
