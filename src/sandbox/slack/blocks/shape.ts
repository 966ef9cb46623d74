import type { Wire } from '../types.ts';

/** Where blocks stand. */
export type Surface = 'message' | 'modal' | 'home';

/** What a check is told besides the value, and where it says what is wrong. */
export interface Inspection {
  readonly surface: Surface;
  /** Adds a problem at a JSON pointer, in the words of Slack's `response_metadata.messages`. */
  readonly report: (problem: string, pointer: string) => void;
}

/** Looks at one value and reports what Slack would refuse about it. */
export type Check = (value: unknown, at: string, inspection: Inspection) => void;

/** An object on the wire, arrays excluded. */
export const isWire = (value: unknown): value is Wire =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A string of `min` to `max` characters (UTF-16 units, as Slack counts). */
export const string =
  (max: number, min = 1): Check =>
  (value, at, { report }) => {
    if (typeof value !== 'string') report('must be a string', at);
    else if (value.length < min)
      report(min === 1 ? 'must be more than 0 characters' : `must be more than ${min - 1} characters`, at);
    else if (value.length > max) report(`must be less than ${max + 1} characters`, at);
  };

/** True or false. */
export const boolean: Check = (value, at, { report }) => {
  if (typeof value !== 'boolean') report('must be a boolean', at);
};

/** A whole number within bounds. */
export const integer =
  (min: number, max = Number.MAX_SAFE_INTEGER): Check =>
  (value, at, { report }) => {
    if (!Number.isInteger(value) || (value as number) < min || (value as number) > max)
      report('must be a valid integer', at);
  };

/** One of these strings. */
export const word =
  (...words: readonly string[]): Check =>
  (value, at, { report }) => {
    if (typeof value !== 'string' || !words.includes(value))
      report(`must be a valid enum value [allowed: ${words.join(', ')}]`, at);
  };

/** A string of this form. */
export const matching =
  (pattern: RegExp, name: string): Check =>
  (value, at, { report }) => {
    if (typeof value !== 'string' || !pattern.test(value)) report(`must be a valid ${name}`, at);
  };

/** An absolute http(s) URL; images and links. Slack also takes `mailto:` and `slack:` in links. */
export const url =
  (max = 3000, protocols: readonly string[] = ['http:', 'https:']): Check =>
  (value, at, inspection) => {
    string(max)(value, at, inspection);
    if (typeof value !== 'string') return;
    if (!URL.canParse(value) || !protocols.includes(new URL(value).protocol))
      inspection.report('must be a valid URL', at);
  };

/** An array of `min` to `max` members, each of this shape. */
export const list =
  (check: Check, max: number, min = 1): Check =>
  (value, at, inspection) => {
    if (!Array.isArray(value)) return inspection.report('must be an array', at);
    if (value.length < min) inspection.report(`no less than ${min} items allowed`, at);
    if (value.length > max) inspection.report(`no more than ${max} items allowed`, at);
    value.forEach((member, index) => check(member, `${at}/${index}`, inspection));
  };

/** Members that an object must and may have. */
export interface Shape {
  readonly required?: Readonly<Record<string, Check>>;
  readonly optional?: Readonly<Record<string, Check>>;
}

/**
 * An object with exactly these members; `type`, where it is needed, is checked by whoever chose the shape.
 */
export const object =
  (shape: Shape): Check =>
  (value, at, inspection) => {
    if (!isWire(value)) return inspection.report('must be an object', at);
    const known: Readonly<Record<string, Check>> = { ...shape.required, ...shape.optional };
    for (const name of Object.keys(shape.required ?? {})) {
      if (value[name] === undefined || value[name] === null)
        inspection.report(`missing required field: ${name}`, at);
    }
    for (const [name, member] of Object.entries(value)) {
      if (name === 'type' || member === undefined) continue;
      const check = Object.hasOwn(known, name) ? known[name] : undefined;
      if (check === undefined) inspection.report(`invalid additional property: ${name}`, at);
      else check(member, `${at}/${name}`, inspection);
    }
  };

/** An object whose `type` is one of these; each type has its own check. */
export const byType =
  (checks: Readonly<Record<string, Check>>): Check =>
  (value, at, inspection) => {
    if (!isWire(value)) return inspection.report('must be an object', at);
    const type = value['type'];
    if (typeof type !== 'string') return inspection.report('missing required field: type', at);
    if (!Object.hasOwn(checks, type)) return inspection.report(`unsupported type: ${type}`, `${at}/type`);
    checks[type]?.(value, at, inspection);
  };

/** Every one of these checks. */
export const all =
  (...checks: readonly Check[]): Check =>
  (value, at, inspection) => {
    for (const check of checks) check(value, at, inspection);
  };

/** A condition on an object that its members alone do not show. */
export const when =
  (wrong: (value: Wire, inspection: Inspection) => string | false | undefined): Check =>
  (value, at, inspection) => {
    const problem = isWire(value) && wrong(value, inspection);
    if (typeof problem === 'string') inspection.report(problem, at);
  };
