type AttributeType = 'string' | 'boolean' | 'dateTime' | 'reference' | 'complex';

/** An attribute of a schema, with its characteristics (RFC 7643 section 2.2). */
export interface Attribute {
  readonly name: string;
  readonly type: AttributeType;
  readonly description: string;
  readonly multiValued: boolean;
  readonly required: boolean;
  readonly caseExact: boolean;
  readonly mutability: 'readOnly' | 'readWrite' | 'immutable' | 'writeOnly';
  readonly returned: 'always' | 'never' | 'default' | 'request';
  readonly uniqueness: 'none' | 'server' | 'global';
  readonly canonicalValues?: readonly string[];
  readonly referenceTypes?: readonly string[];
  /**
   * Sub-attributes by name in lower case, because attribute names are case-insensitive (RFC 7643 section
   * 2.1).
   */
  readonly sub: ReadonlyMap<string, Attribute>;
}

type Rest = Partial<Omit<Attribute, 'name' | 'type' | 'description' | 'sub'>> & {
  readonly sub?: readonly Attribute[];
};

/**
 * An attribute with the defaults of RFC 7643 section 2.2: single-valued, optional, case-insensitive,
 * readWrite, returned by default.
 */
export function attribute(
  name: string,
  type: AttributeType,
  description: string,
  rest: Rest = {},
): Attribute {
  const { sub, ...given } = rest;
  return {
    name,
    type,
    description,
    multiValued: false,
    required: false,
    caseExact: false,
    mutability: 'readWrite',
    returned: 'default',
    uniqueness: 'none',
    ...given,
    sub: byName(sub ?? []),
  };
}

/**
 * A multi-valued complex attribute with `value`, `display`, `type` and `primary` (RFC 7643 section 2.4), and
 * the sub-attributes in `more`.
 */
export function plural(
  name: string,
  description: string,
  types: readonly string[],
  more: readonly Attribute[] = [],
): Attribute {
  return attribute(name, 'complex', description, {
    multiValued: true,
    sub: [
      attribute('value', 'string', 'The value itself, kept as it was sent.'),
      attribute('display', 'string', 'A name for people to read.'),
      attribute(
        'type',
        'string',
        'What the value is for.',
        types.length > 0 ? { canonicalValues: types } : {},
      ),
      attribute('primary', 'boolean', 'True for the preferred one; at most one value has it.'),
      ...more,
    ],
  });
}

/** Attributes by name in lower case. */
export function byName(attributes: readonly Attribute[]): ReadonlyMap<string, Attribute> {
  return new Map(attributes.map((one) => [one.name.toLowerCase(), one]));
}

/**
 * The attribute as `/Schemas` shows it (RFC 7643 section 7). Members that do not apply are left out, so there
 * are no nulls.
 */
export function describeAttribute(one: Attribute): Record<string, unknown> {
  const { sub, ...shown } = one;
  return sub.size === 0 ? shown : { ...shown, subAttributes: [...sub.values()].map(describeAttribute) };
}
