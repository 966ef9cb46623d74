import { byName, type Attribute } from './attribute.ts';
import {
  COMMON,
  CORE,
  coreUser,
  ENTERPRISE,
  enterpriseUser,
  MANDAITOR,
  mandaitorUser,
  type Schema,
} from './user.ts';

/** Every schema that is served. */
export const SCHEMAS: readonly Schema[] = [coreUser, enterpriseUser, mandaitorUser];
/** The URNs of a User's schemas, the core first. */
export const USER_SCHEMA_IDS: readonly string[] = [CORE, ENTERPRISE, MANDAITOR];

/**
 * What an attribute path names. `schema` is the extension, or null for the core. A path to a whole extension
 * has no `attribute`.
 */
export interface Target {
  readonly schema: string | null;
  readonly attribute: Attribute | null;
  readonly sub: Attribute | null;
}

/** A target inside a schema. */
export type AttributeTarget = Target & { readonly attribute: Attribute };

/** A User's core and common attributes, by name in lower case. */
export const CORE_ATTRIBUTES: ReadonlyMap<string, Attribute> = byName([...COMMON, ...coreUser.attributes]);

/** The attributes of each extension, by name in lower case. */
export const EXTENSIONS: ReadonlyMap<string, ReadonlyMap<string, Attribute>> = new Map([
  [ENTERPRISE, byName(enterpriseUser.attributes)],
  [MANDAITOR, byName(mandaitorUser.attributes)],
]);

const URNS = new Map(USER_SCHEMA_IDS.map((id) => [id.toLowerCase(), id]));

/** The schema with this URN, in any case, or null. */
export const schemaNamed = (text: string): string | null => URNS.get(text.toLowerCase()) ?? null;

/**
 * Resolves an attribute path without a value filter (RFC 7644 section 3.10): `userName`, `name.givenName`,
 * `urn:…:User:manager.value`, a whole extension, or the bare name of an extension's attribute (Entra sends
 * `manager`). Names are case-insensitive. Null if no schema has it, so only the registry's names become keys.
 */
export function resolve(path: string): Target | null {
  const urn = longestUrn(path);
  if (urn === null) return path.toLowerCase().startsWith('urn:') ? null : bare(path);
  const rest = path.slice(urn.length);
  if (rest === '') return urn === CORE ? null : { schema: urn, attribute: null, sub: null };
  const attributes = urn === CORE ? CORE_ATTRIBUTES : EXTENSIONS.get(urn);
  return attributes === undefined ? null : within(urn === CORE ? null : urn, attributes, rest.slice(1));
}

function longestUrn(path: string): string | null {
  const lower = path.toLowerCase();
  for (const [key, id] of URNS) if (lower === key || lower.startsWith(`${key}:`)) return id;
  return null;
}

function bare(path: string): Target | null {
  const core = within(null, CORE_ATTRIBUTES, path);
  if (core !== null) return core;
  for (const [schema, attributes] of EXTENSIONS) {
    const found = within(schema, attributes, path);
    if (found !== null) return found;
  }
  return null;
}

function within(
  schema: string | null,
  attributes: ReadonlyMap<string, Attribute>,
  path: string,
): Target | null {
  const [name = '', subName, ...more] = path.split('.');
  const attribute = attributes.get(name.toLowerCase());
  if (attribute === undefined || more.length > 0) return null;
  if (subName === undefined) return { schema, attribute, sub: null };
  const sub = attribute.sub.get(subName.toLowerCase());
  return sub === undefined ? null : { schema, attribute, sub };
}
