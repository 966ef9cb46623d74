import type { z } from 'zod';

type Issue = z.core.$ZodRawIssue;
type Of<Code extends Issue['code']> = Extract<Issue, { code: Code }>;

/**
 * What is wrong with a value, in words that follow the name of its field: what was sent, if that helps,
 * and what to send. A schema's own messages have priority. Source: the issues of zod 4
 * (zod.dev/error-customization).
 */
export const inOurWords: z.core.$ZodErrorMap = (issue) => {
  switch (issue.code) {
    case 'invalid_type':
      return wrongType(issue);
    case 'invalid_value':
      return `${issue.input === undefined ? 'is required; send' : 'must be'} ${oneOf(issue.values)}`;
    case 'too_big':
      return tooBig(issue);
    case 'too_small':
      return tooSmall(issue);
    case 'invalid_format':
      return wrongForm(issue);
    case 'not_multiple_of':
      return `must be a multiple of ${issue.divisor}`;
    case 'invalid_union':
      return issue.input === undefined ? 'is required' : 'does not match any of the allowed forms';
    case 'custom':
    case 'invalid_element':
    case 'invalid_key':
    case 'unrecognized_keys':
      return 'is invalid';
  }
};

const TYPES: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
};

function wrongType({ expected, input }: Of<'invalid_type'>): string {
  const wanted = TYPES[expected] ?? expected;
  if (input === undefined) return `is required; send ${wanted}`;
  const sent = kindOf(input);
  // "a whole number, not a number" would not help.
  const helps = sent !== null && sent !== wanted && expected !== 'int';
  return helps ? `must be ${wanted}, not ${sent}` : `must be ${wanted}`;
}

/**
 * The kind of value that was sent. Null if that does not help: a query's text that should be a number is
 * NaN by now.
 */
function kindOf(value: unknown): string | null {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'number' && !Number.isFinite(value)) return null;
  return TYPES[typeof value] ?? null;
}

const oneOf = (values: readonly unknown[]): string =>
  values.length === 1 ? JSON.stringify(values[0]) : `one of ${values.map(String).join(', ')}`;

const UNITS: Readonly<Record<string, string>> = { string: 'characters', array: 'entries', set: 'entries' };

function tooBig({ origin, maximum, inclusive, input }: Of<'too_big'>): string {
  const unit = UNITS[origin];
  if (unit === undefined) return `must be ${inclusive === false ? 'less than' : 'at most'} ${maximum}`;
  return `can have at most ${maximum} ${unit}${sentLength(input)}`;
}

function tooSmall({ origin, minimum, inclusive, input }: Of<'too_small'>): string {
  const unit = UNITS[origin];
  if (unit === undefined) return `must be ${inclusive === false ? 'more than' : 'at least'} ${minimum}`;
  if (Number(minimum) === 1) return 'must not be empty';
  return `must have at least ${minimum} ${unit}${sentLength(input)}`;
}

function sentLength(input: unknown): string {
  const length = typeof input === 'string' || Array.isArray(input) ? input.length : null;
  return length === null ? '' : `; ${length} ${length === 1 ? 'was' : 'were'} sent`;
}

const FORMS: Readonly<Record<string, string>> = {
  datetime: 'a date and time with a time zone, such as 2026-11-28T15:00:00Z',
  date: 'a date, such as 2026-11-28',
  email: 'an email address',
  url: 'a URL',
};

function wrongForm({ format, pattern }: Of<'invalid_format'>): string {
  const form = FORMS[format];
  if (form !== undefined) return `must be ${form}`;
  return pattern === undefined ? 'has the wrong format' : `must match ${pattern}`;
}
