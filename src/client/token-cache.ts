/** Something with a lifetime, in milliseconds since 1970 by the clock of this process. */
export interface Expiring {
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
}

/** Caches tokens while they are valid. */
export interface TokenCache<T extends Expiring> {
  /**
   * The token under `key` if it is valid long enough, otherwise the one that `renew` gets.
   * Concurrent calls share one `renew`. If `renew` fails with an error that `survives` accepts, an
   * old token that is still valid is returned. Never returns an expired token.
   */
  get(key: string, renew: () => Promise<T>): Promise<T>;
  /** Removes the cached tokens that `which` selects. */
  drop(which: (token: T) => boolean): void;
  /**
   * The same, or removes everything. Tokens that are being fetched are returned to their callers
   * but not cached.
   */
  forget(which?: (token: T) => boolean): void;
}

/** A token is renewed at most in the last fifth of its lifetime. */
const SHARE = 5;

/**
 * Creates a cache. A token is renewed `leewayMs` before its end, or in the last fifth of its lifetime
 * if that is shorter. At most `max` tokens are kept; the least recently used one is removed first.
 */
export function createTokenCache<T extends Expiring>(parts: {
  now: () => Date;
  leewayMs: number;
  max: number;
  survives: (error: unknown) => boolean;
}): TokenCache<T> {
  const kept = new Map<string, T>();
  const flights = new Map<string, Promise<T>>();
  let generation = 0;

  const lives = (token: T): boolean => parts.now().getTime() < token.expiresAtMs;
  const isFresh = (token: T): boolean => {
    const leeway = Math.min(parts.leewayMs, (token.expiresAtMs - token.issuedAtMs) / SHARE);
    return parts.now().getTime() < token.expiresAtMs - leeway;
  };
  function keep(key: string, token: T): void {
    kept.delete(key);
    const oldest = kept.keys().next();
    if (kept.size >= parts.max && oldest.done !== true) kept.delete(oldest.value);
    kept.set(key, token);
  }

  async function renewed(key: string, renew: () => Promise<T>): Promise<T> {
    const born = generation;
    try {
      const token = await renew();
      if (born === generation) keep(key, token);
      return token;
    } catch (error) {
      const old = kept.get(key);
      if (old !== undefined && lives(old) && parts.survives(error)) return old;
      kept.delete(key);
      throw error;
    }
  }

  function drop(which: (token: T) => boolean): void {
    for (const [key, token] of kept) if (which(token)) kept.delete(key);
  }

  return {
    drop,
    get: async (key, renew) => {
      const token = kept.get(key);
      if (token !== undefined && isFresh(token)) {
        keep(key, token);
        return token;
      }
      const running = flights.get(key);
      if (running !== undefined) return running;
      const flight = renewed(key, renew).finally(() => {
        if (flights.get(key) === flight) flights.delete(key);
      });
      flights.set(key, flight);
      return flight;
    },
    forget: (which = () => true) => {
      generation += 1;
      flights.clear();
      drop(which);
    },
  };
}
