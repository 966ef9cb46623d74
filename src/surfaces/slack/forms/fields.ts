import type { CatalogueEntry } from '#engine/catalogue.ts';
import { labelOf } from '#engine/in-words.ts';
import { referenceFields } from '#engine/references.ts';

/** How a field of a tool's input is asked for and typed. */
export type FieldKind =
  | {
      readonly kind: 'text';
      readonly multiline: boolean;
      readonly maxLength: number | null;
      readonly minLength: number | null;
    }
  | { readonly kind: 'json' }
  | { readonly kind: 'choice'; readonly choices: readonly string[] }
  | { readonly kind: 'choices'; readonly choices: readonly string[] }
  | { readonly kind: 'list' }
  | { readonly kind: 'boolean' }
  | {
      readonly kind: 'number';
      readonly decimal: boolean;
      readonly min: number | null;
      readonly max: number | null;
    }
  | { readonly kind: 'moment' }
  | { readonly kind: 'person' }
  | { readonly kind: 'agent' };

/** One field of a tool's input, as its JSON Schema describes it. */
export type Field = FieldKind & {
  readonly name: string;
  /** For people: "Expires at". */
  readonly label: string;
  readonly description: string;
  readonly required: boolean;
  /** What the tool takes where nothing is given. */
  readonly preset: unknown;
};

interface Schema {
  readonly type?: string;
  readonly title?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly format?: string;
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly multiline?: boolean;
}

/** The fields of a tool's input in their order. Derived from its JSON Schema alone, so that a new tool needs nothing here. */
export const fieldsOf = (entry: CatalogueEntry): readonly Field[] =>
  fieldsIn(entry.inputSchema, referenceFields(entry));

/** The same of any object's JSON Schema; `references` says which of its fields name people or agents. */
export function fieldsIn(
  schema: unknown,
  references: ReturnType<typeof referenceFields> = new Map(),
): readonly Field[] {
  const { properties = {}, required = [] } = schema as {
    properties?: Record<string, Schema>;
    required?: readonly string[];
  };
  return Object.entries(properties).map(([name, schema]) => {
    const reference = references.get(name);
    return {
      ...kindWith(reference, schema),
      name,
      label: schema.title ?? labelOf(name),
      description: schema.description ?? '',
      required: required.includes(name) && schema.default === undefined,
      preset: schema.default,
    };
  });
}

function kindWith(reference: string | undefined, schema: Schema): FieldKind {
  return reference === 'person' || reference === 'agent' ? { kind: reference } : kindOf(withoutNull(schema));
}

function withoutNull(schema: Schema): Schema {
  const options = (schema.anyOf ?? []).filter((one) => one.type !== 'null');
  const [only] = options;
  return options.length === 1 && only !== undefined ? { ...schema, ...only } : schema;
}

const KINDS: Readonly<Record<string, (schema: Schema) => FieldKind>> = {
  string: (schema) => {
    if (schema.enum !== undefined) return { kind: 'choice', choices: schema.enum.map(String) };
    if (schema.format === 'date-time') return { kind: 'moment' };
    return {
      kind: 'text',
      multiline: schema.multiline === true,
      maxLength: schema.maxLength ?? null,
      minLength: schema.minLength ?? null,
    };
  },
  boolean: () => ({ kind: 'boolean' }),
  integer: (schema) => number(schema, false),
  number: (schema) => number(schema, true),
  array: ({ items }) => {
    if (items?.enum !== undefined) return { kind: 'choices', choices: items.enum.map(String) };
    return items?.type === 'string' ? { kind: 'list' } : { kind: 'json' };
  },
};

const number = (schema: Schema, decimal: boolean): FieldKind => ({
  kind: 'number',
  decimal,
  min: bound(schema.minimum),
  max: bound(schema.maximum),
});

/** zod writes the safe integers' bounds where a tool sets none. */
const bound = (value: number | undefined): number | null =>
  value === undefined || Math.abs(value) >= Number.MAX_SAFE_INTEGER ? null : value;

const kindOf = (schema: Schema): FieldKind => KINDS[schema.type ?? '']?.(schema) ?? { kind: 'json' };
