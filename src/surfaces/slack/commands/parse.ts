import { readText, type Problem } from '../forms/read.ts';
import type { Field } from '../forms/fields.ts';
import type { Token, Value } from './lexer.ts';
import { ALIASES, type Route } from './registry.ts';
import { suggestions } from './suggest.ts';

/** What was understood of a command's arguments; nothing is guessed. */
export interface Understood {
  readonly route: Route;
  /** Field values as text or data; a Slack account stands as `{ slackUser }` until it has been resolved. */
  readonly input: Readonly<Record<string, unknown>>;
  readonly reason: string | null;
  /** What was typed and not understood, by field; under the empty name what belongs to none. */
  readonly problems: readonly Problem[];
}

export type Line =
  | { readonly kind: 'help'; readonly path: readonly string[] }
  | {
      readonly kind: 'unknown';
      readonly typed: string;
      readonly meant: readonly Route[];
      readonly rest: readonly Token[];
    }
  | { readonly kind: 'command'; readonly understood: Understood };

/** A Slack account that stands where a person is wanted. */
export interface SlackUserValue {
  readonly slackUser: string;
}

export const isSlackUser = (value: unknown): value is SlackUserValue =>
  typeof value === 'object' && value !== null && 'slackUser' in value;

/** Finds the command that the first words name, the longest path first, and gives its fields what follows. */
export function parseLine(tokens: readonly Token[], routes: readonly Route[]): Line {
  const words = leadingWords(tokens).map((word) => ALIASES[word] ?? word);
  if (tokens.length === 0 || words[0] === 'help') return { kind: 'help', path: words.slice(1) };
  const byLength = [...routes].sort((a, b) => b.path.length - a.path.length);
  const route = byLength.find((one) => one.path.every((word, index) => words[index] === word));
  if (route !== undefined)
    return { kind: 'command', understood: understand(route, tokens.slice(route.path.length)) };
  // "reset <@U1> password": the words count, wherever the entities stand among them.
  const plain = tokens.flatMap((token) =>
    token.kind === 'word' ? [ALIASES[token.text.toLowerCase()] ?? token.text.toLowerCase()] : [],
  );
  const rest = tokens.filter((token) => token.kind !== 'word');
  return {
    kind: 'unknown',
    typed: words.length > 0 ? words.slice(0, 4).join(' ') : plain.slice(0, 4).join(' '),
    meant: suggestions(plain, routes),
    rest,
  };
}

/**
 * Gives a route's fields their values: options by name, the rest by place, a trailing quotation as the
 * reason.
 */
export function understand(route: Route, args: readonly Token[]): Understood {
  const problems: Problem[] = [];
  const input: Record<string, unknown> = {};
  let reason: string | null = null;
  const give = (field: Field, value: Value): void => {
    const reading = fieldValue(field, value);
    if ('problem' in reading) problems.push([field.name, reading.problem]);
    else input[field.name] = reading.value;
  };

  const placed: Value[] = [];
  for (const token of args) {
    if (token.kind !== 'option') placed.push(token);
    else if (token.key === 'reason') reason = textOf(token.value);
    else {
      const field = route.fields.find((one) => one.name === token.key);
      if (field === undefined) problems.push(['', `There is no option "${token.key}" here.`]);
      else give(field, token.value);
    }
  }
  const waiting = route.positional.filter((field) => !(field.name in input) && field.name !== 'reason');
  const last = placed.at(-1);
  const spare = placed.length > waiting.length || !takesText(waiting.at(-1));
  if (reason === null && last?.kind === 'quoted' && spare) reason = textOf(placed.pop() ?? last);
  for (const [index, field] of waiting.entries()) {
    const mine = index === waiting.length - 1 && takesText(field) ? placed.splice(0) : placed.splice(0, 1);
    const [only] = mine;
    if (only !== undefined)
      give(field, mine.length === 1 ? only : { kind: 'quoted', text: mine.map(textOf).join(' ') });
  }
  if (reason === null && placed.length > 0 && /[<[]reason[\]>]/.test(route.usage))
    reason = placed.splice(0).map(textOf).join(' ');
  problems.push(...placed.map((extra) => ['', `"${textOf(extra)}" was not understood.`] as const));
  const own = route.fields.find((field) => field.name === 'reason');
  if (own !== undefined && reason !== null && !('reason' in input)) input['reason'] = reason;
  return { route, input, reason, problems };
}

const takesText = (field: Field | undefined): boolean => field?.kind === 'text' || field?.kind === 'list';

function leadingWords(tokens: readonly Token[]): string[] {
  const end = tokens.findIndex((token) => token.kind !== 'word');
  return tokens
    .slice(0, end < 0 ? undefined : end)
    .flatMap((token) => (token.kind === 'word' ? [token.text.toLowerCase()] : []));
}

type Reading = { readonly value: unknown } | { readonly problem: string };

function fieldValue(field: Field, value: Value): Reading {
  if (field.kind === 'person') return personValue(value);
  if (value.kind === 'user') return { problem: 'This is not a person. Choose again.' };
  if (value.kind === 'channel' || value.kind === 'group')
    return { problem: 'A channel or a user group is not possible here.' };
  return readText(field, textOf(value));
}

function personValue(value: Value): Reading {
  if (value.kind === 'user') return { value: { slackUser: value.id } };
  if (value.kind === 'email') return { value: value.email };
  if (value.kind === 'word' && /^usr_[0-9a-z]{26}$/.test(value.text)) return { value: value.text };
  if (value.kind === 'group') return { problem: 'Name one person, not a user group.' };
  return {
    problem: `Pick the person from the list: the name "${textOf(value)}" alone may be somebody else's.`,
  };
}

const TEXTS: { readonly [K in Value['kind']]: (value: Extract<Value, { kind: K }>) => string } = {
  user: ({ id }) => id,
  channel: ({ id }) => id,
  group: ({ id }) => id,
  email: ({ email }) => email,
  link: ({ url }) => url,
  quoted: ({ text }) => text,
  word: ({ text }) => text,
};

const textOf = (value: Value): string => (TEXTS[value.kind] as (value: Value) => string)(value);
