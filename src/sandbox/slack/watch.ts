import type { SimMessage, SimUser, SimView } from './types.ts';
import { openModals } from './views.ts';
import type { Effect, World } from './world.ts';

/** How long nothing more must happen before an act counts as answered. */
const QUIET_MS = 60;

/** What one person got to see since the watch began. */
export interface Watch {
  /** Does something that this person expects (their modal closes), which is no answer to their act. */
  unnoticed<T>(does: () => T): T;
  /** Waits for the first visible effect, at most `maxMs`, and then for quiet; stops watching. */
  settle(maxMs: number): Promise<{ readonly ephemerals: readonly SimMessage[]; readonly view?: SimView }>;
}

/** Begins to watch what this person sees; `channel` is where they look at. */
export function watch(world: World, user: SimUser, channel: string | null): Watch {
  const before = new Set(world.state.messages);
  const direct = world.state.channels.find((one) => one.kind === 'im' && one.members.includes(user.id))?.id;
  const noticedAt: number[] = [];
  let wake = (): void => undefined;
  let blind = false;
  const noticed = (effect: Effect): void => {
    if (blind) return;
    const mine =
      effect.users === 'members'
        ? effect.channel === channel || effect.channel === direct
        : effect.users.includes(user.id);
    if (!mine) return;
    noticedAt.push(performance.now());
    wake();
  };
  world.on('effect', noticed);

  const pause = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });

  return {
    unnoticed(does) {
      blind = true;
      try {
        return does();
      } finally {
        blind = false;
      }
    },
    async settle(maxMs) {
      if (noticedAt.length === 0) await pause(maxMs);
      while (performance.now() - (noticedAt.at(-1) ?? -QUIET_MS) < QUIET_MS) await pause(QUIET_MS);
      world.off('effect', noticed);
      const ephemerals = world.state.messages.filter(
        (one) => one.ephemeralFor === user.id && !before.has(one) && !one.deleted,
      );
      const view = openModals(world, user.id).at(-1);
      return structuredClone(view === undefined ? { ephemerals } : { ephemerals, view });
    },
  };
}
