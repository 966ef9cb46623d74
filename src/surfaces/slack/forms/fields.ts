import type { CatalogueEntry } from '#engine/catalogue.ts';
import { labelOf } from '#engine/in-words.ts';

/**
 * What a field's `.meta({ ref })`, or `pick` where it takes no reference, lets people pick from a menu that
 * looks it up.
 */
export const PICKERS = [
  'person',
  'agent',
  'scope',
  'scope_to_give',
  'key_scope',
  'tool',
  'template',
  'mandate',
  'approval',
  'group',
  'role',
  'resources',
  'freezable',
  'currency',
  'timezone',
] as const;
export type Picker = (typeof PICKERS)[number];

/** How a field of a tool's input is asked for and read. */
export type FieldKind =
  | {
      readonly kind: 'text';
      /** Where it is picked from; null: it is typed. */
      readonly of: Picker | null;
      readonly multiline: boolean;
      readonly maxLength: number | null;
      readonly minLength: number | null;
    }
  | { readonly kind: 'list'; readonly of: Picker | null; readonly most: number | null }
  | { readonly kind: 'choice'; readonly choices: readonly string[] }
  | { readonly kind: 'choices'; readonly choices: readonly string[] }
  | { readonly kind: 'boolean' }
  | {
      readonly kind: 'number';
      readonly decimal: boolean;
      readonly min: number | null;
      readonly max: number | null;
    }
  | { readonly kind: 'moment' }
  | { readonly kind: 'time' }
  | { readonly kind: 'weekdays' }
  | { readonly kind: 'person' }
  | { readonly kind: 'agent' }
  /** An object: each of its members is asked for by itself. */
  | { readonly kind: 'group'; readonly parts: readonly Field[] }
  /**
   * The input of the tool that another field names: its fields are known once that one is chosen
   * (`settledFields`).
   */
  | { readonly kind: 'input'; readonly of: string }
  /**
   * A file that another program writes in a format of its own: pasted as a whole, never composed by a person.
   */
  | { readonly kind: 'document' }
  /** What no control is made for. No tool with a command has such a field. */
  | { readonly kind: 'json' };

/** One field of a tool's input, as its JSON Schema describes it. */
export type Field = FieldKind & {
  readonly name: string;
  /** For people: "Expires at". */
  readonly label: string;
  readonly description: string;
  readonly required: boolean;
  /**
   * The field without which this one is needed too: a mandate needs scopes unless it names a template. Null
   * for none.
   */
  readonly unless: string | null;
  /**
   * Asked for at once although it may be left out; the other fields of that kind wait behind *More options*.
   */
  readonly first: boolean;
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
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly maxItems?: number;
  // Our own hints, which no other reader is shown (`publishedSchema`).
  readonly ref?: string;
  readonly pick?: string;
  readonly multiline?: boolean;
  readonly label?: string;
  readonly hint?: string;
  readonly first?: boolean;
  readonly unless?: string;
}

/**
 * The fields of a tool's input in their order. Derived from its JSON Schema alone, so that a new tool needs
 * nothing here.
 */
export const fieldsOf = (entry: Pick<CatalogueEntry, 'inputSchema'>): readonly Field[] =>
  fieldsIn(entry.inputSchema);

/** The same of any object's JSON Schema. */
export function fieldsIn(schema: unknown): readonly Field[] {
  const { properties = {}, required = [] } = schema as Schema;
  return Object.entries(properties).map(([name, outer]) => {
    const member = withoutNull(outer);
    return {
      ...kindOf(member),
      name,
      // What is picked by name is not called an id.
      label:
        member.label ?? member.title ?? labelOf(pickerOf(member) === null ? name : name.replace(/_id$/, '')),
      description: member.hint ?? member.description ?? '',
      required: required.includes(name) && member.default === undefined,
      unless: member.unless ?? null,
      first: member.first === true,
      preset: member.default,
    };
  });
}

function withoutNull(schema: Schema): Schema {
  const options = (schema.anyOf ?? []).filter((one) => one.type !== 'null');
  const [only] = options;
  return options.length === 1 && only !== undefined ? { ...only, ...schema, type: only.type ?? '' } : schema;
}

/** Kinds that a reference alone decides. */
const BY_REFERENCE: Readonly<Record<string, FieldKind>> = {
  time: { kind: 'time' },
  weekday: { kind: 'weekdays' },
  document: { kind: 'document' },
};

const KINDS: Readonly<Record<string, (schema: Schema) => FieldKind>> = {
  string: (schema) => {
    const of = pickerOf(schema);
    if (of === 'person') return { kind: 'person' };
    if (of === 'agent') return { kind: 'agent' };
    if (schema.enum !== undefined) return { kind: 'choice', choices: schema.enum.map(String) };
    if (schema.format === 'date-time') return { kind: 'moment' };
    return {
      kind: 'text',
      of,
      multiline: schema.multiline === true,
      maxLength: schema.maxLength ?? null,
      minLength: schema.minLength ?? null,
    };
  },
  boolean: () => ({ kind: 'boolean' }),
  integer: (schema) => number(schema, false),
  number: (schema) => number(schema, true),
  array: (schema) => {
    const { items } = schema;
    if (items?.enum !== undefined) return { kind: 'choices', choices: items.enum.map(String) };
    if (items?.type !== 'string') return { kind: 'json' };
    return { kind: 'list', of: pickerOf(schema) ?? pickerOf(items), most: schema.maxItems ?? null };
  },
  object: (schema) => {
    const [, of] = /^input of (\w+)$/.exec(schema.ref ?? '') ?? [];
    if (of !== undefined) return { kind: 'input', of };
    const parts = fieldsIn(schema);
    return parts.length === 0 ? { kind: 'json' } : { kind: 'group', parts };
  },
};

const pickerOf = ({ pick, ref }: Schema): Picker | null =>
  PICKERS.find((one) => one === (pick ?? ref)) ?? null;

const number = (schema: Schema, decimal: boolean): FieldKind => ({
  kind: 'number',
  decimal,
  min: bound(schema.minimum),
  max: bound(schema.maximum),
});

/** zod writes the safe integers' bounds where a tool sets none. */
const bound = (value: number | undefined): number | null =>
  value === undefined || Math.abs(value) >= Number.MAX_SAFE_INTEGER ? null : value;

const kindOf = (schema: Schema): FieldKind =>
  BY_REFERENCE[schema.ref ?? ''] ?? KINDS[schema.type ?? '']?.(schema) ?? { kind: 'json' };
