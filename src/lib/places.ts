import { Fault } from './fault.ts';

/** A limited number of places, for work of which only so much may be done at once in this process. */
export interface Places {
  /**
   * Runs `work` in a place, which it leaves when it ends. Waits in line first while no place is free. A
   * free place goes to the group that holds the fewest, so that one busy group does not shut out the
   * others; within a group, who came first is first.
   *
   * Throws Fault `unavailable` (reason `busy`) without running `work` if too many of the group wait already,
   * after waiting too long, and when `given` up.
   */
  within<T>(group: string, work: () => Promise<T>, given?: AbortSignal): Promise<T>;
}

/** The size of it. */
export interface Capacity {
  readonly places: number;
  /** How many of one group may wait. */
  readonly line: number;
  /** How long each may wait, in milliseconds. */
  readonly waitMs: number;
}

interface Waiting {
  readonly group: string;
  begin(): void;
}

/**
 * Opens the places. Not `p-queue`: its line has no bound and knows no groups.
 */
export function openPlaces({ places, line, waitMs }: Capacity): Places {
  const held = new Map<string, number>();
  const waiting = new Set<Waiting>();
  let taken = 0;

  const holds = (group: string): number => held.get(group) ?? 0;
  const take = (group: string) => {
    taken += 1;
    held.set(group, holds(group) + 1);
  };
  const leave = (group: string) => {
    taken -= 1;
    if (holds(group) === 1) held.delete(group);
    else held.set(group, holds(group) - 1);
    const [first, ...others] = waiting;
    if (first === undefined) return;
    const next = others.reduce((best, one) => (holds(one.group) < holds(best.group) ? one : best), first);
    next.begin();
  };

  /** Resolves once the group has one more place. */
  const enter = async (group: string, given: AbortSignal | undefined): Promise<void> => {
    if (given?.aborted === true) throw busy();
    if (taken < places) return take(group);
    if ([...waiting].filter((one) => one.group === group).length >= line) throw busy();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const one: Waiting = {
      group,
      begin: () => {
        end();
        take(group);
        resolve();
      },
    };
    const refuse = () => {
      end();
      reject(busy());
    };
    const timer = setTimeout(refuse, waitMs);
    const end = () => {
      waiting.delete(one);
      clearTimeout(timer);
      given?.removeEventListener('abort', refuse);
    };
    given?.addEventListener('abort', refuse);
    waiting.add(one);
    return promise;
  };

  return {
    within: async (group, work, given) => {
      await enter(group, given);
      try {
        return await work();
      } finally {
        leave(group);
      }
    },
  };
}

const busy = (): Fault =>
  new Fault('unavailable', 'Too many lists and searches are running. Try again in a few seconds.', {
    detail: { reason: 'busy', retry_after_seconds: 5 },
  });
