type Schema = Readonly<Record<string, unknown>>;

// Hints for our own forms, which mean nothing to others.
const OURS = new Set(['ref', 'pick', 'multiline', 'not_secret', 'label', 'hint', 'first', 'unless']);

/**
 * A JSON Schema for publication: without our own hints, and with bounds that every reader understands. Gemini
 * refuses a whole request if one schema contains `exclusiveMinimum` or `multipleOf`. The published schema may
 * therefore allow slightly more than the tool's own schema, which decides.
 */
export const publishedSchema = (schema: unknown): unknown => publishSchema(schema, false);

/** `named` means that the members are field names, not keywords. */
function publishSchema(value: unknown, named: boolean): unknown {
  if (Array.isArray(value)) return value.map((item) => publishSchema(item, false));
  if (typeof value !== 'object' || value === null) return value;
  const schema = named ? (value as Schema) : simplifyBounds(value as Schema);
  const members = Object.entries(schema).filter(([name, member]) => named || !isOurs(name, member));
  return Object.fromEntries(
    members.map(([name, member]) => [name, publishSchema(member, name === 'properties' && !named)]),
  );
}

const isOurs = (name: string, member: unknown): boolean => OURS.has(name) && typeof member !== 'object';

function simplifyBounds(schema: Schema): Schema {
  const { exclusiveMinimum: above, exclusiveMaximum: below, multipleOf, ...rest } = schema;
  const step = schema['type'] === 'integer' ? 1 : typeof multipleOf === 'number' ? multipleOf : 0;
  return {
    ...rest,
    ...(typeof above === 'number' ? { minimum: above + step } : {}),
    ...(typeof below === 'number' ? { maximum: below - step } : {}),
  };
}
