import { z } from 'zod';
import { editDistance } from './edit-distance.ts';
import { Fault, type Problem } from './fault.ts';
import { inOurWords } from './problem-words.ts';

export type { Problem } from './fault.ts';

/**
 * The value as the schema parses it, or all problems in words for the sender. `alsoKnown`: names that are
 * accepted in addition to the schema's.
 */
export function read<S extends z.ZodType>(
  schema: S,
  value: unknown,
  alsoKnown: readonly string[] = [],
): { readonly data: z.infer<S> } | { readonly problems: readonly Problem[] } {
  const parsed = schema.safeParse(value, { error: inOurWords });
  if (parsed.success) return { data: parsed.data };
  const all = parsed.error.issues.flatMap((issue) => problemsOf(schema, issue, alsoKnown));
  // Keeps the first problem of each field: a message about a text's length is useless if no text was sent.
  return { problems: [...new Map(all.toReversed().map((one) => [one.field, one])).values()].toReversed() };
}

/**
 * The same, but throws Fault `invalid_input`: the message is `opening` and all problems in one sentence,
 * and `detail.problems` lists them.
 */
export function readOrFault<S extends z.ZodType>(
  schema: S,
  value: unknown,
  opening: string,
  alsoKnown: readonly string[] = [],
): z.infer<S> {
  const answer = read(schema, value, alsoKnown);
  if ('data' in answer) return answer.data;
  throw invalidInput(opening, answer.problems);
}

/** Fault `invalid_input` for these problems. */
export function invalidInput(opening: string, problems: readonly Problem[]): Fault {
  const words = problems.map(({ field, problem }) => (field === '' ? problem : `${field}: ${problem}`));
  return new Fault('invalid_input', `${opening}: ${words.join('; ')}.`, { detail: { problems } });
}

function problemsOf(schema: z.ZodType, issue: z.core.$ZodIssue, alsoKnown: readonly string[]): Problem[] {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') {
    const shape = unwrap(schemaAt(schema, path));
    const known = shape instanceof z.ZodObject ? Object.keys(shape.shape) : [];
    const all = path.length === 0 ? [...known, ...alsoKnown] : known;
    return issue.keys.map((key) => ({
      field: [...path, key.slice(0, 60)].join('.'),
      problem: unknownName(key, all),
    }));
  }
  const explains = issue.code === 'invalid_type' || issue.code === 'invalid_format';
  const description = explains ? schemaAt(schema, path)?.description?.replace(/\.$/, '') : undefined;
  const problem = description === undefined ? issue.message : `${issue.message} (${description})`;
  return [{ field: path.join('.'), problem }];
}

/** An unknown name is never ignored: whatever it was meant to limit would be unlimited. */
function unknownName(name: string, known: readonly string[]): string {
  const nearest = nearestName(name, known);
  if (nearest !== null) return `unknown field; did you mean ${nearest}?`;
  return known.length === 0
    ? 'unknown field; there are no fields to send'
    : `unknown field; the fields are ${known.join(', ')}`;
}

/** The known name that was most likely meant, or null. */
export function nearestName(name: string, known: readonly string[]): string | null {
  const typed = name.slice(0, 60).toLowerCase();
  const ranked = known
    .map((one) => {
      const low = one.toLowerCase();
      const kin = typed.length > 2 && (low.startsWith(typed) || typed.startsWith(low));
      return { one, distance: editDistance(typed, low), kin };
    })
    .filter(({ one, distance, kin }) => kin || distance <= Math.max(1, one.length / 3))
    .sort((a, b) => Number(b.kin) - Number(a.kin) || a.distance - b.distance);
  return ranked[0]?.one ?? null;
}

function schemaAt(schema: z.ZodType, path: readonly string[]): z.ZodType | undefined {
  let at: z.ZodType | undefined = schema;
  for (const step of path) {
    const inner: z.ZodType | undefined = at === undefined ? undefined : unwrap(at);
    if (inner instanceof z.ZodObject) at = inner.shape[step] as z.ZodType | undefined;
    else at = inner instanceof z.ZodArray ? (inner.element as z.ZodType) : undefined;
  }
  return at;
}

/** The schema inside optional, default and nullable wrappers. */
function unwrap(schema: z.ZodType | undefined): z.ZodType | undefined {
  let at = schema;
  while (at instanceof z.ZodOptional || at instanceof z.ZodDefault || at instanceof z.ZodNullable)
    at = at.unwrap() as z.ZodType;
  return at;
}
