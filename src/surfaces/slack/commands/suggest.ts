import { editDistance } from '#lib/edit-distance.ts';
import type { Route } from './registry.ts';

/** How far a typed path may be from a command, as a share of its length. */
const CLOSE = 0.34;

/**
 * The commands that somebody may have meant by these words, nearest first, at most three. A suggestion is
 * shown, and never run: `suspend` and `unsuspend` are neighbours.
 */
export function suggestions(typed: readonly string[], routes: readonly Route[]): readonly Route[] {
  const ranked = routes.flatMap((route) => {
    const path = route.path.join(' ');
    const mine = typed.slice(0, route.path.length).join(' ').toLowerCase().slice(0, 60);
    if (mine === '') return [];
    const distance = editDistance(mine, path);
    const prefix =
      path.startsWith(mine) || route.path.some((word) => mine.length > 2 && word.startsWith(mine));
    return distance <= CLOSE * path.length || prefix
      ? [{ route, distance: prefix ? Math.min(distance, 1) : distance }]
      : [];
  });
  ranked.sort((a, b) => a.distance - b.distance);
  return ranked.slice(0, 3).map(({ route }) => route);
}
