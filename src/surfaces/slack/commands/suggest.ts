import type { Route } from './registry.ts';

/**
 * How many insertions, deletions, replacements and swaps of neighbours lie between two words (restricted Damerau-Levenshtein
 * distance). Both are short: the caller caps them.
 */
export function editDistance(a: string, b: string): number {
  let [before, last]: [number[], number[]] = [[], Array.from({ length: b.length + 1 }, (_, index) => index)];
  for (let row = 1; row <= a.length; row += 1) {
    const next = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const same = a[row - 1] === b[column - 1] ? 0 : 1;
      let least = Math.min(
        (last[column] ?? 0) + 1,
        (next[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + same,
      );
      const swapped = a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (row > 1 && column > 1 && swapped) least = Math.min(least, (before[column - 2] ?? 0) + 1);
      next.push(least);
    }
    [before, last] = [last, next];
  }
  return last[b.length] ?? 0;
}

/** How far a typed path may be from a command, as a share of its length. */
const CLOSE = 0.34;

/**
 * The commands that somebody may have meant by these words, nearest first, at most three. A suggestion is shown, and never run:
 * `suspend` and `unsuspend` are neighbours.
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
