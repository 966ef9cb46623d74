/** Something with an end, in milliseconds since 1970, by the clock of this process. */
export interface Expiring {
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
}

/** Keeps tokens as long as they are good. */
export interface TokenCache<T extends Expiring> {
  /**
   * The token kept under `key` while there is enough of its life left; otherwise the one that `renew` gets, with one call of it for all
   * who ask at once. Where `renew` fails and `survives` says so, a token that still lives is given out. Never an expired one.
   */
  get(key: string, renew: () => Promise<T>): Promise<T>;
  /** Drops the kept tokens that `which` says. */
  drop(which: (token: T) => boolean): void;
  /** The same, or everything; and what is on its way is given to those who wait for it and not kept. */
  forget(which?: (token: T) => boolean): void;
}

/** The part of a token's life that is left for its renewal, at most. */
const SHARE = 5;

/**
 * Makes a cache. `leewayMs`: a token is renewed this long before its end, or in the last fifth of its life where that is shorter.
 * `max` tokens are kept; the one used longest ago goes first.
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
