import type { ErrorObject } from 'ajv/dist/2020.js';

/** The name of a value's type in JSON. */
const kindOf = (value: unknown): string =>
  value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;

/**
 * Where and how a value breaks a schema, without the value: a pointer with `*` for indexes, the error, and
 * the type found.
 */
export const signature = (error: ErrorObject): string =>
  `${error.instancePath.replaceAll(/\/\d+(?=\/|$)/g, '/*')} ${error.message ?? ''} (is ${kindOf(error.data)})`;

/**
 * How Okta's own examples of an answer break its own schema (LogEvent's nulls, an app's embedded user). Okta
 * really answers so, and a simulator that did not would hide a trap. An answer may break the schema in the
 * same places and ways. Errors at the root are not counted, because some examples show one item of a list.
 */
export function documentedBreaks(
  examples: readonly unknown[],
  errorsOf: (value: unknown) => readonly ErrorObject[],
): ReadonlySet<string> {
  return new Set(
    examples.flatMap((example) =>
      errorsOf(example)
        .filter((error) => error.instancePath !== '')
        .map(signature),
    ),
  );
}

// Where the schema is wrong and no well-formed example shows it, each with the evidence.
const SCHEMA_FAULTS = [
  {
    operationId: 'listApplications',
    place: /^\/\*\/_embedded\/user\//,
    // The schema calls it a map of objects. Okta's example of this operation (nested one level too deep)
    // shows an AppUser.
    because: '_embedded.user is the expanded AppUser itself',
  },
] as const;

/** Whether this error of this operation is a fault of the schema. */
export const isSchemaFault = (operationId: string, error: ErrorObject): boolean =>
  SCHEMA_FAULTS.some((fault) => fault.operationId === operationId && fault.place.test(signature(error)));
