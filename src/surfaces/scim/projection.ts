import { EXTENSIONS, resolve } from './schema/registry.ts';
import { isObject, type Resource } from './value.ts';

/** Reduces a resource to what the client asked for. */
type Projection = (resource: Resource) => Resource;

const ALWAYS: ReadonlySet<string> = new Set(['schemas', 'id']);

/**
 * The named attributes, by member of the resource. Null means the whole member, otherwise these parts of it.
 */
type Named = ReadonlyMap<string, ReadonlySet<string> | null>;

/**
 * The projection for `attributes` or `excludedAttributes` (RFC 7644 section 3.9). `attributes` wins if both
 * are given. Unknown names are ignored. `schemas` and `id` are always kept. Null if neither is given, so
 * nothing is copied.
 */
export function projectionOf(query: URLSearchParams): Projection | null {
  const wanted = query.get('attributes');
  if (wanted !== null && wanted.trim() !== '') {
    const named = namesIn(wanted);
    return (resource) => keep(resource, named);
  }
  const unwanted = query.get('excludedAttributes');
  if (unwanted === null || unwanted.trim() === '') return null;
  const named = namesIn(unwanted);
  return (resource) => drop(resource, named);
}

function namesIn(list: string): Named {
  const named = new Map<string, Set<string> | null>();
  for (const path of list.split(',')) {
    const target = resolve(path.trim());
    if (target === null) continue;
    const inside = target.sub?.name ?? null;
    const attribute = target.attribute?.name ?? null;
    const [member, part] = target.schema === null ? [attribute ?? '', inside] : [target.schema, attribute];
    const held = named.get(member);
    if (part === null) named.set(member, null);
    else if (held !== null) named.set(member, (held ?? new Set<string>()).add(part));
  }
  return named;
}

function keep(resource: Resource, named: Named): Resource {
  return mapMembers(resource, (name, value) => {
    const parts = named.get(name);
    if (parts === undefined) return ALWAYS.has(name) ? value : undefined;
    return parts === null ? value : inside(value, (part) => parts.has(part));
  });
}

function drop(resource: Resource, named: Named): Resource {
  return mapMembers(resource, (name, value) => {
    const parts = named.get(name);
    if (parts === undefined || ALWAYS.has(name)) return value;
    return parts === null ? undefined : inside(value, (part) => !parts.has(part));
  });
}

function mapMembers(resource: Resource, shown: (name: string, value: unknown) => unknown): Resource {
  const out: Resource = {};
  for (const [name, value] of Object.entries(resource)) {
    const left = shown(name, value);
    if (left !== undefined && !(EXTENSIONS.has(name) && isObject(left) && Object.keys(left).length === 0))
      out[name] = left;
  }
  return out;
}

function inside(value: unknown, passes: (part: string) => boolean): unknown {
  if (Array.isArray(value)) return value.map((one) => inside(one, passes));
  return isObject(value) ? Object.fromEntries(Object.entries(value).filter(([part]) => passes(part))) : value;
}
