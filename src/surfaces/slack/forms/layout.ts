import { canonicalJson } from '#lib/json.ts';
import type { Catalogue } from '#engine/catalogue.ts';
import { fieldsOf, type Field } from './fields.ts';

/** What was given so far, by field. */
export type Given = Readonly<Record<string, unknown>>;

/**
 * What is wrong, in words for people, by the field's path in the tool's input (`window.from`); under the
 * empty path what belongs to no field.
 */
export type Notes = ReadonlyMap<string, string>;

/** The first step of a path: the field of the tool's input. */
const fieldOfPath = (path: string): string => path.split('.')[0] ?? '';

/**
 * The fields as they are now: the input of another tool is that tool's fields once the tool is chosen, and is
 * not asked for before. A tool whose input would again be another tool's asks for nothing.
 */
export const settledFields = (
  fields: readonly Field[],
  given: Given,
  catalogue: Pick<Catalogue, 'get'>,
): readonly Field[] =>
  fields.flatMap((field): readonly Field[] => {
    if (field.kind !== 'input') return [field];
    const chosen = given[field.of];
    const entry = typeof chosen === 'string' ? catalogue.get(chosen) : undefined;
    const parts = (entry === undefined ? [] : fieldsOf(entry)).filter(({ kind }) => kind !== 'input');
    return parts.length === 0 ? [] : [{ ...field, kind: 'group', parts }];
  });

/** Whether the tool takes nothing without this field, given the others. */
export const isNeeded = ({ required, unless }: Field, given: Given): boolean =>
  required || (unless !== null && given[unless] === undefined);

/** Fields on whose value others depend: the form is drawn anew when one of them changes. */
export const governing = (fields: readonly Field[]): ReadonlySet<string> =>
  new Set(
    fields.flatMap((field) => [
      ...(field.unless === null ? [] : [field.unless]),
      ...(field.kind === 'input' ? [field.of] : []),
    ]),
  );

/** How many fields are worth a button that hides them. */
const WORTH_HIDING = 2;

/**
 * The fields in the order in which they are asked for: what is needed, what its command names or the tool
 * wants seen, the rest. `behind` waits for *More options*: it may be left out, nothing was given for it, and
 * nothing is wrong with it.
 */
export function arrange(
  fields: readonly Field[],
  named: readonly Field[],
  { given, notes }: { readonly given: Given; readonly notes: Notes },
): { readonly shown: readonly Field[]; readonly behind: readonly Field[] } {
  const rank = (field: Field): number => {
    if (field.required || field.unless !== null) return 0;
    return field.first || named.some(({ name }) => name === field.name) ? 1 : 2;
  };
  const ordered = fields.toSorted((one, other) => rank(one) - rank(other));
  const wrong = new Set([...notes.keys()].map(fieldOfPath));
  const behind = ordered.filter(
    (field) => rank(field) === 2 && !isGiven(field, given) && !wrong.has(field.name),
  );
  // A form that asks for nothing but what may be left out asks for that.
  return behind.length < WORTH_HIDING || behind.length === ordered.length
    ? { shown: ordered, behind: [] }
    : { shown: ordered.filter((field) => !behind.includes(field)), behind };
}

/** Whether something else was given than what the tool takes anyway. */
function isGiven({ name, preset }: Field, given: Given): boolean {
  const value = given[name];
  return value !== undefined && canonicalJson(value) !== canonicalJson(preset ?? null);
}

/** The paths of what is asked for: of each field, or of each member of a group. */
export const pathsOf = (fields: readonly Field[], under = ''): string[] =>
  fields.flatMap((field) =>
    field.kind === 'group' ? pathsOf(field.parts, `${under}${field.name}.`) : [`${under}${field.name}`],
  );

/**
 * Where something is said of a path: at it, at what it lies in, or at the first of what lies in it. Null
 * where nothing of it is asked for.
 */
export function placeOf(path: string, asked: readonly string[]): string | null {
  if (path === '') return null;
  const around = asked.find((one) => one === path || path.startsWith(`${one}.`));
  const within = asked.find((one) => one.startsWith(`${path}.`));
  return around ?? within ?? placeOf(path.split('.').slice(0, -1).join('.'), asked);
}

/**
 * The same notes where they are shown, one for each place; what has no place of its own stands under the
 * empty path.
 */
export function placedNotes(notes: Notes, asked: readonly string[]): Notes {
  const placed = new Map<string, string>();
  for (const [path, words] of notes) {
    const place = placeOf(path, asked) ?? '';
    placed.set(place, [placed.get(place), words].filter((one) => one !== undefined).join(' '));
  }
  return placed;
}
