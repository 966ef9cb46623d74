import { scimFault } from '../faults.ts';
import { isObject } from '../value.ts';

/** One parsed operation of a PATCH request. With `path` null, the value is a partial resource. */
export interface Operation {
  readonly op: 'add' | 'replace' | 'remove';
  readonly path: string | null;
  readonly value: unknown;
}

const PATCH_OP = 'urn:ietf:params:scim:api:messages:2.0:patchop';

/**
 * Parses a PatchOp message (RFC 7644 section 3.5.2). Operations may be in any case (Entra sends `Replace`);
 * an empty list changes nothing. Throws Fault `invalidSyntax` for anything but a PatchOp, and `invalidPath`
 * for a path that is not a string.
 */
export function readOperations(body: unknown): Operation[] {
  if (!isObject(body)) throw scimFault('invalidSyntax', 'The body must be a JSON object: a SCIM PatchOp.');
  const member = (name: string): unknown =>
    Object.entries(body).find(([key]) => key.toLowerCase() === name)?.[1];
  const schemas = member('schemas');
  if (
    schemas !== undefined &&
    !(Array.isArray(schemas) && schemas.some((one) => String(one).toLowerCase() === PATCH_OP))
  ) {
    throw scimFault(
      'invalidSyntax',
      'The body is not a PatchOp: "schemas" must contain urn:ietf:params:scim:api:messages:2.0:PatchOp.',
    );
  }
  const operations = member('operations');
  if (!Array.isArray(operations)) throw scimFault('invalidSyntax', 'The body has no "Operations".');
  return operations.map(readOperation);
}

function readOperation(raw: unknown): Operation {
  if (!isObject(raw)) throw scimFault('invalidSyntax', 'An operation must be an object.');
  const op = typeof raw['op'] === 'string' ? raw['op'].toLowerCase() : '';
  if (op !== 'add' && op !== 'replace' && op !== 'remove')
    throw scimFault('invalidSyntax', 'An operation\'s "op" must be add, replace or remove.');
  const path = raw['path'];
  if (path !== undefined && path !== null && typeof path !== 'string')
    throw scimFault('invalidPath', 'A path must be a string.');
  return { op, path: path === undefined || path === null || path === '' ? null : path, value: raw['value'] };
}
