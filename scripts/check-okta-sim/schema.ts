/** A JSON object: a schema, or a part of the OpenAPI description. */
export type Json = Readonly<Record<string, unknown>>;

/** True for a JSON object. */
export const isJson = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The direction of a body: answers contain no `writeOnly` property, and requests need no `readOnly` one. */
export type Direction = 'request' | 'response';

const SCHEMAS = '#/components/schemas/';
// Keywords that mean the same in OpenAPI 3.0 and in JSON Schema, or that are handled below.
const KEPT = [
  'type',
  'enum',
  'format',
  'pattern',
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
  'uniqueItems',
  'minProperties',
  'maxProperties',
  'multipleOf',
] as const;

/**
 * All component schemas of an OpenAPI 3.0 document as `$defs` of one JSON Schema (2020-12). `nullable`
 * becomes a type or a choice, `discriminator` a dispatch on its property, and `oneOf` without one becomes
 * `anyOf`, because Okta's alternatives overlap. A schema with a discriminator exists twice: as itself, with
 * dispatch, and as `<name>__base`, which its children extend.
 */
export function componentDefs(schemas: Json, direction: Direction): Record<string, unknown> {
  const defs: Record<string, unknown> = {};
  for (const [name, schema] of Object.entries(schemas)) {
    if (!isJson(schema)) continue;
    const base = convert(schema, schemas, direction);
    const dispatch = dispatchOf(schema);
    if (dispatch === null) defs[name] = base;
    else {
      defs[`${name}__base`] = base;
      defs[name] = { allOf: [{ $ref: `#/$defs/${name}__base` }, ...dispatch] };
    }
  }
  return defs;
}

/** One schema of an operation as JSON Schema, for use beside `$defs`. */
export function convert(schema: Json, schemas: Json, direction: Direction): Record<string, unknown> {
  const { $ref } = schema;
  if (typeof $ref === 'string') return { $ref: $ref.replace(SCHEMAS, '#/$defs/') };
  const out: Record<string, unknown> = {};
  for (const key of KEPT) if (schema[key] !== undefined) out[key] = schema[key];
  limits(schema, out);
  const each = (value: unknown): unknown => (isJson(value) ? convert(value, schemas, direction) : value);
  if (isJson(schema['properties'])) out['properties'] = properties(schema['properties'], schemas, direction);
  if (schema['items'] !== undefined) out['items'] = each(schema['items']);
  if (schema['additionalProperties'] !== undefined)
    out['additionalProperties'] = each(schema['additionalProperties']);
  if (schema['not'] !== undefined) out['not'] = each(schema['not']);
  if (Array.isArray(schema['required']))
    out['required'] = schema['required'].filter(
      (name) => !(direction === 'request' && isReadOnly(schema, String(name))),
    );
  if (Array.isArray(schema['allOf']))
    out['allOf'] = schema['allOf'].map((part) => extended(each(part), schemas));
  const choices = schema['anyOf'] ?? schema['oneOf'];
  if (Array.isArray(choices)) {
    const dispatch = Array.isArray(schema['oneOf']) ? dispatchOf(schema) : null;
    out['anyOf'] = choices.map(each);
    if (dispatch !== null) out['allOf'] = [...((out['allOf'] as unknown[] | undefined) ?? []), ...dispatch];
  }
  return schema['nullable'] === true ? nullable(out) : out;
}

/** Turns `minimum` with a boolean `exclusiveMinimum` (draft 4, as in OpenAPI 3.0) into a number. */
function limits(schema: Json, out: Record<string, unknown>): void {
  for (const [bound, exclusive] of [
    ['minimum', 'exclusiveMinimum'],
    ['maximum', 'exclusiveMaximum'],
  ] as const) {
    if (typeof schema[bound] === 'number')
      out[schema[exclusive] === true ? exclusive : bound] = schema[bound];
  }
}

function properties(all: Json, schemas: Json, direction: Direction): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(all).map(([name, value]) => {
      if (!isJson(value)) return [name, {}];
      // A writeOnly secret must not come back, and Okta ignores readOnly properties in requests.
      if (direction === 'response' && value['writeOnly'] === true) return [name, false];
      if (direction === 'request' && value['readOnly'] === true) return [name, {}];
      return [name, convert(value, schemas, direction)];
    }),
  );
}

const isReadOnly = (schema: Json, name: string): boolean => {
  const property = isJson(schema['properties']) ? schema['properties'][name] : undefined;
  return isJson(property) && property['readOnly'] === true;
};

/**
 * A child of a discriminated schema extends its base, since extending the dispatching form would recurse
 * without end.
 */
function extended(part: unknown, schemas: Json): unknown {
  if (!isJson(part) || typeof part['$ref'] !== 'string') return part;
  const parent = schemas[part['$ref'].replace('#/$defs/', '')];
  return isJson(parent) && dispatchOf(parent) !== null ? { $ref: `${part['$ref']}__base` } : part;
}

function dispatchOf(schema: Json): unknown[] | null {
  const { discriminator } = schema;
  if (!isJson(discriminator) || !isJson(discriminator['mapping'])) return null;
  const property = String(discriminator['propertyName']);
  return Object.entries(discriminator['mapping']).map(([value, target]) => ({
    if: { type: 'object', properties: { [property]: { const: value } }, required: [property] },
    // eslint-disable-next-line unicorn/no-thenable -- the keyword of JSON Schema
    then: { $ref: String(target).replace(SCHEMAS, '#/$defs/') },
  }));
}

function nullable(schema: Record<string, unknown>): Record<string, unknown> {
  const { type, enum: values } = schema;
  if (typeof type !== 'string') return { anyOf: [schema, { type: 'null' }] };
  return {
    ...schema,
    type: [type, 'null'],
    ...(Array.isArray(values) ? { enum: [...(values as unknown[]), null] } : {}),
  };
}
