import { scimFault } from '../faults.ts';
import { CORE_ATTRIBUTES, EXTENSIONS, schemaNamed } from '../schema/registry.ts';
import { CORE } from '../schema/user.ts';
import type { Attribute } from '../schema/attribute.ts';
import { coerce, isObject, type Resource } from '../value.ts';

/**
 * Converts a client's user (POST, PUT) to a resource of ours. Names may be in any case; core attributes may
 * also be under the core URN, and extensions are under theirs. Unknown and read-only attributes and the
 * password are dropped, since clients send whole resources back (Okta sends `groups`, `meta` and `id`).
 * Throws Fault `invalidValue` for wrong types and without a `userName`, and `invalidSyntax` if it is not an
 * object.
 */
export function readUser(body: unknown): Resource {
  if (!isObject(body)) throw scimFault('invalidSyntax', 'The body must be a JSON object: a SCIM user.');
  const user: Resource = {};
  readInto(user, CORE_ATTRIBUTES, body);
  for (const [key, value] of Object.entries(body)) {
    const schema = key.includes(':') ? schemaNamed(key) : null;
    if (schema === null || !isObject(value)) continue;
    if (schema === CORE) readInto(user, CORE_ATTRIBUTES, value);
    const attributes = EXTENSIONS.get(schema);
    if (attributes === undefined) continue;
    const held: Resource = {};
    readInto(held, attributes, value);
    if (Object.keys(held).length > 0) user[schema] = held;
  }
  requireUserName(user);
  return user;
}

/** Throws Fault `invalidValue` if the user has no user name. */
function requireUserName(user: Resource): void {
  const userName = user['userName'];
  if (typeof userName !== 'string' || userName.trim() === '')
    throw scimFault('invalidValue', '"userName" is required and must not be empty.');
}

function readInto(target: Resource, attributes: ReadonlyMap<string, Attribute>, from: Resource): void {
  for (const [key, value] of Object.entries(from)) {
    const attribute = attributes.get(key.toLowerCase());
    if (
      attribute === undefined ||
      attribute.mutability === 'readOnly' ||
      attribute.mutability === 'writeOnly'
    )
      continue;
    const read = coerce(attribute, value);
    if (read !== undefined) target[attribute.name] = read;
  }
}
