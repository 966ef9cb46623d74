import { canonicalJson } from '#lib/json.ts';
import { scimFault } from '../faults.ts';
import { describedElement, matches } from '../filter/matches.ts';
import { parsePath, type Filter } from '../filter/parse.ts';
import type { Attribute } from '../schema/attribute.ts';
import { EXTENSIONS, resolve, type AttributeTarget } from '../schema/registry.ts';
import { coerce, coerceElement, isObject, onePrimary, type Resource } from '../value.ts';
import type { Operation } from './operations.ts';

type Op = Operation['op'];

/**
 * Applies PATCH operations (RFC 7644 section 3.5.2) to a copy of the resource and returns it; if one fails,
 * it throws. Also accepts what Okta and Entra send beyond the RFC (Microsoft, "Known issues and resolutions
 * with SCIM 2.0 protocol compliance of the Microsoft Entra provisioning service"). Only names of the registry
 * become keys, so no path or member can reach a prototype.
 *
 * Throws Fault `invalidPath`, `noTarget`, `mutability` or `invalidValue`.
 */
export function applyPatch(resource: Resource, operations: readonly Operation[]): Resource {
  const next = structuredClone(resource);
  for (const operation of operations) apply(next, operation);
  return next;
}

function apply(resource: Resource, operation: Operation): void {
  if (operation.path !== null) {
    change(resource, operation.op, operation.path, operation.value, true);
    return;
  }
  if (operation.op === 'remove') throw scimFault('noTarget', 'A remove operation needs a path.');
  if (!isObject(operation.value))
    throw scimFault('invalidValue', 'An operation without a path needs an object as its value.');
  for (const [path, value] of Object.entries(operation.value))
    change(resource, operation.op, path, value, false);
}

/**
 * `strict` means that the client wrote this path. Otherwise it is a member of a whole resource, where unknown
 * or read-only members are ignored.
 */
function change(resource: Resource, op: Op, written: string, value: unknown, strict: boolean): void {
  const whole = resolve(written);
  if (whole !== null && whole.attribute === null) {
    changeExtension(resource, op, whole.schema ?? '', value, strict);
    return;
  }
  if (whole === null && !strict && !written.includes('[')) {
    // Some clients put core attributes under the core schema's URN.
    if (isObject(value) && written.toLowerCase().endsWith(':core:2.0:user'))
      for (const [name, one] of Object.entries(value)) change(resource, op, name, one, false);
    return;
  }
  const path = parsePath(written);
  const found = resolve(path.path);
  if (found?.attribute === null || found?.attribute === undefined)
    throw scimFault('invalidPath', `No schema has an attribute "${path.path}".`);
  const sub = path.sub === null ? found.sub : (found.attribute.sub.get(path.sub.toLowerCase()) ?? null);
  if (path.sub !== null && sub === null)
    throw scimFault('invalidPath', `"${found.attribute.name}" has no sub-attribute "${path.sub}".`);
  changeAttribute(
    resource,
    op,
    { schema: found.schema, attribute: found.attribute, sub },
    path.filter,
    value,
    strict,
  );
}

function changeExtension(resource: Resource, op: Op, schema: string, value: unknown, strict: boolean): void {
  const attributes = [...(EXTENSIONS.get(schema)?.values() ?? [])];
  if (op === 'remove') {
    for (const attribute of attributes)
      if (attribute.mutability === 'readWrite')
        changeAttribute(resource, 'remove', { schema, attribute, sub: null }, null, undefined, strict);
    return;
  }
  if (!isObject(value)) throw scimFault('invalidValue', `"${schema}" takes an object.`);
  for (const [name, one] of Object.entries(value)) change(resource, op, `${schema}:${name}`, one, false);
}

function changeAttribute(
  resource: Resource,
  op: Op,
  target: AttributeTarget,
  filter: Filter | null,
  value: unknown,
  strict: boolean,
): void {
  const { attribute } = target;
  if (attribute.mutability === 'writeOnly') return;
  const holder = holderOf(resource, target.schema);
  if (attribute.mutability === 'readOnly' || attribute.mutability === 'immutable') {
    refuseChange(attribute, holder[attribute.name], op, value, strict);
    return;
  }
  if (attribute.multiValued) changeList(holder, op, target, filter, value);
  else if (filter !== null)
    throw scimFault(
      'invalidPath',
      `"${attribute.name}" has a single value and does not support a value filter.`,
    );
  else changeSingle(holder, op, target, value);
  if (attribute.name === 'active' && holder['active'] === undefined)
    throw scimFault('invalidValue', 'Set "active" to true or to false.');
  if (attribute.required && (holder[attribute.name] === undefined || holder[attribute.name] === '')) {
    throw scimFault('mutability', `"${attribute.name}" is required and cannot be removed.`);
  }
}

/**
 * Throws Fault `mutability`, except for the value that is already there. In a whole resource, `meta`,
 * `schemas` and derived values are ignored too, whatever they say.
 */
function refuseChange(attribute: Attribute, held: unknown, op: Op, value: unknown, strict: boolean): void {
  if (
    op !== 'remove' &&
    typeof held === 'string' &&
    (attribute.caseExact ? held === value : held.toLowerCase() === String(value).toLowerCase())
  )
    return;
  const identity = attribute.name === 'id' || attribute.mutability === 'immutable';
  if (strict ? attribute.name === 'meta' || attribute.name === 'schemas' : !identity) return;
  throw scimFault('mutability', `"${attribute.name}" cannot be changed.`);
}

function holderOf(resource: Resource, schema: string | null): Resource {
  if (schema === null) return resource;
  const held = resource[schema];
  if (isObject(held)) return held;
  const made: Resource = {};
  resource[schema] = made;
  return made;
}

function put(holder: Resource, name: string, value: unknown): void {
  if (value === undefined) delete holder[name];
  else holder[name] = value;
}

function changeSingle(holder: Resource, op: Op, { attribute, sub }: AttributeTarget, value: unknown): void {
  const held = holder[attribute.name];
  if (sub !== null) {
    const inner = isObject(held) ? { ...held } : {};
    const read = op === 'remove' ? undefined : coerce(sub, value);
    put(inner, sub.name, read === '' ? undefined : read);
    put(holder, attribute.name, Object.keys(inner).length === 0 ? undefined : inner);
    return;
  }
  const read = op === 'remove' ? undefined : coerce(attribute, value);
  // Replace a reference (the manager) as a whole: the old manager's name must not remain beside the new id.
  const merges = isObject(read) && isObject(held) && !attribute.sub.has('value');
  put(holder, attribute.name, merges ? { ...held, ...read } : read);
}

function changeList(
  holder: Resource,
  op: Op,
  target: AttributeTarget,
  filter: Filter | null,
  value: unknown,
): void {
  const { attribute, sub } = target;
  const held = Array.isArray(holder[attribute.name]) ? (holder[attribute.name] as unknown[]) : [];
  const next =
    filter === null && sub === null
      ? wholeList(op, attribute, held, value)
      : someElements(op, target, filter, held.filter(isObject), value);
  put(holder, attribute.name, next.length === 0 ? undefined : onePrimary(next));
}

function wholeList(op: Op, attribute: Attribute, held: readonly unknown[], value: unknown): unknown[] {
  const given = coerce(attribute, value) as unknown[] | undefined;
  if (op === 'replace') return given ?? [];
  const same = (a: unknown, b: unknown): boolean => canonicalJson(a) === canonicalJson(b);
  if (op === 'add')
    return [...held, ...(given ?? []).filter((one) => !held.some((other) => same(one, other)))];
  if (given === undefined) return [];
  // Entra puts what to remove into the value, and may send only the `value` of an element.
  return held.filter(
    (one) =>
      !given.some(
        (gone) =>
          same(one, gone) ||
          (isObject(one) && isObject(gone) && gone['value'] !== undefined && one['value'] === gone['value']),
      ),
  );
}

function someElements(
  op: Op,
  { attribute, sub }: AttributeTarget,
  filter: Filter | null,
  held: readonly Resource[],
  value: unknown,
): unknown[] {
  const fits = (element: Resource): boolean => filter === null || matches(attribute, filter, element);
  if (op === 'remove') {
    if (sub === null) return held.filter((one) => !fits(one));
    return held
      .map((one) => (fits(one) ? without(one, sub.name) : one))
      .filter((one) => Object.keys(one).length > 0);
  }
  const read =
    sub === null ? coerceElement(attribute, Array.isArray(value) ? value[0] : value) : coerce(sub, value);
  const change: Resource = sub === null ? (isObject(read) ? read : {}) : { [sub.name]: read };
  if (held.some(fits)) {
    const claims = change['primary'] === true;
    return held.map((one) =>
      fits(one) ? defined({ ...one, ...change }) : claims ? { ...one, primary: false } : one,
    );
  }
  const described = filter === null ? {} : describedElement(attribute, filter);
  if (described === null)
    throw scimFault(
      'noTarget',
      `No element of "${attribute.name}" matches the value filter, and the filter does not describe a new one.`,
    );
  return [...held, defined({ ...described, ...change })];
}

const defined = (element: Resource): Resource =>
  Object.fromEntries(Object.entries(element).filter(([, one]) => one !== undefined && one !== ''));
const without = (element: Resource, name: string): Resource =>
  Object.fromEntries(Object.entries(element).filter(([key]) => key !== name));
