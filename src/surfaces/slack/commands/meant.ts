import { editDistance } from '#lib/edit-distance.ts';
import type { Token } from './lexer.ts';
import { ALIASES, type Route } from './registry.ts';

/** How far a word may be from a command's word, as a share of its length. */
const CLOSE = 0.3;
/** So many commands are offered. */
const MOST = 3;

/** Words that say nothing of what is wanted. */
const FILLER = new Set(
  'a an and can could do for from give hello help hey hi how i in is it me my name need now of on one our please s so some thanks the them this to us want with would you your'.split(
    ' ',
  ),
);

/** A command that somebody may have meant, with what is left of their words for its fields. */
export interface Meant {
  readonly route: Route;
  readonly rest: readonly Token[];
}

/**
 * The commands that a sentence may mean ("reset the password of @ann please"), nearest first, at most three.
 * Every word of a command must be in it, in any order; a command of one word that others share needs its noun
 * too ("list my agents"). It is offered, and never run.
 */
export function meantBy(tokens: readonly Token[], routes: readonly Route[]): readonly Meant[] {
  const said = tokens.map((token) => (token.kind === 'word' ? wordOf(token.text) : ''));
  const found = routes.flatMap((route) => {
    const noun = route.root.slice(1);
    const places = route.path.map((word) => said.findIndex((one) => one !== '' && isNear(one, word)));
    if (places.includes(-1) || places.length === 0) return [];
    const at = said.findIndex((one) => one !== '' && isNear(one, noun));
    if (at < 0 && needsNoun(route, routes)) return [];
    const used = new Set([...places, at]);
    const rest = tokens.filter(
      (token, index) => !used.has(index) && !(token.kind === 'word' && isFiller(said[index] ?? '')),
    );
    return [{ route, rest, score: route.path.length * 2 + (at < 0 ? 0 : 1) }];
  });
  const best = Math.max(0, ...found.map(({ score }) => score));
  return found
    .filter(({ score }) => score >= best - 1)
    .sort((one, other) => other.score - one.score)
    .slice(0, MOST);
}

/** Whether the command's words alone could be said of something else. */
const needsNoun = ({ path }: Route, routes: readonly Route[]): boolean =>
  path.every((word) => FILLER.has(word)) ||
  routes.filter((other) => other.path.join(' ') === path.join(' ')).length > 1;

const isFiller = (word: string): boolean => word === '' || FILLER.has(word);

/** Small letters without punctuation around them, and the command's own word for another one. */
function wordOf(text: string): string {
  const plain = text
    .toLowerCase()
    .replaceAll(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, '')
    .replace(/['’]s$/, '');
  return ALIASES[plain] ?? plain;
}

const isNear = (said: string, word: string): boolean =>
  said === word ||
  said === `${word}s` ||
  (word.length > 4 && editDistance(said.slice(0, 40), word) <= CLOSE * word.length);
