import { sql, type SQL } from 'drizzle-orm';
import { scimFault } from '../faults.ts';
import { readBoolean } from '../value.ts';
import type { Attribute } from '../schema/attribute.ts';
import { resolve, type AttributeTarget } from '../schema/registry.ts';
import { elementsOf, expressionOf, foldedOf, valuesOf } from './columns.ts';
import type { CompareOp, Filter } from './parse.ts';

/**
 * Compiles a filter into a condition on `people`. Every value is a bound parameter; operators and expressions
 * come from our own tables. Case matters only for `caseExact` attributes. A value filter matches if one
 * element meets all of it. `userName` and `externalId` are looked up in an index by eq, and `userName` by sw;
 * every other condition reads all of the source's people.
 *
 * Throws Fault with scimType `invalidFilter` for an unknown attribute, so a typing error never gives an empty
 * list, and for a comparison that the attribute's type does not support.
 */
export function compileFilter(filter: Filter): SQL {
  if (filter.kind === 'and' || filter.kind === 'or')
    return joined(filter.kind, filter.terms.map(compileFilter));
  if (filter.kind === 'not') return negated(compileFilter(filter.term));
  const found = target(filter.path);
  if (filter.kind === 'present') return present(found);
  if (filter.kind === 'compare') return compared(found, filter.op, filter.value);
  if (!found.attribute.multiValued || found.attribute.sub.size === 0 || found.sub !== null)
    throw wrong(`"${filter.path}" does not support a value filter`);
  return someElement(found, (element) => element(filter.filter));
}

const joined = (kind: 'and' | 'or', terms: readonly SQL[]): SQL =>
  sql`(${sql.join([...terms], sql.raw(` ${kind} `))})`;

const wrong = (what: string): Error =>
  scimFault('invalidFilter', `${what}. See /Schemas for the attributes that can be filtered.`);

// In SQL the negation of NULL is not true either, so rows would be lost.
const negated = (condition: SQL): SQL => sql`not coalesce(${condition}, false)`;

function target(path: string): AttributeTarget {
  const found = resolve(path);
  if (found?.attribute === null || found?.attribute === undefined)
    throw wrong(`No schema has an attribute "${path}"`);
  if (found.attribute.returned === 'never') throw wrong(`"${path}" cannot be filtered`);
  return { ...found, attribute: found.attribute };
}

function present(found: AttributeTarget): SQL {
  const { attribute, sub } = found;
  if (attribute.multiValued && attribute.sub.size > 0) {
    return someElement(found, (element) =>
      sub === null ? sql`true` : element({ kind: 'present', path: sub.name }),
    );
  }
  if (attribute.multiValued) return sql`exists (select 1 from ${values(found)})`;
  if (attribute.sub.size > 0 && sub === null) {
    return sql`(${sql.join(
      [...attribute.sub.values()].map((one) => present({ ...found, sub: one })),
      sql` or `,
    )})`;
  }
  const leaf = sub ?? attribute;
  const expression = single(found);
  return leaf.type === 'string' || leaf.type === 'reference'
    ? sql`(${expression} is not null and ${expression} <> '')`
    : sql`${expression} is not null`;
}

function compared(found: AttributeTarget, op: CompareOp, value: string | null): SQL {
  const { attribute, sub } = found;
  if (attribute.multiValued && attribute.sub.size > 0) {
    const path = sub?.name ?? 'value';
    return someElement(found, (element) => element({ kind: 'compare', path, op, value }));
  }
  if (attribute.multiValued)
    return sql`exists (select 1 from ${values(found)} where ${comparison(attribute, sql`s.v`, op, value)})`;
  if (attribute.sub.size > 0 && sub === null) {
    const byValue = attribute.sub.get('value');
    if (byValue === undefined)
      throw wrong(`"${attribute.name}" is complex; compare one of its sub-attributes`);
    return compared({ ...found, sub: byValue }, op, value);
  }
  const expression = single(found);
  return comparison(sub ?? attribute, expression, op, value, foldedOf(found, expression));
}

function single(found: AttributeTarget): SQL {
  const expression = expressionOf(found);
  if (expression === null)
    throw wrong(
      `"${found.attribute.name}${found.sub === null ? '' : `.${found.sub.name}`}" cannot be filtered`,
    );
  return expression;
}

const values = (found: AttributeTarget): SQL => {
  const source = valuesOf(found);
  if (source === null) throw wrong(`"${found.attribute.name}" cannot be filtered`);
  return sql`unnest(${source}) as s(v)`;
};

/**
 * Matches if some element of a multi-valued attribute does. `of` gets the compiler for terms about that
 * element.
 */
function someElement(found: AttributeTarget, of: (element: (filter: Filter) => SQL) => SQL): SQL {
  return sql`exists (select 1 from jsonb_array_elements(${elementsOf(found)}) as e(v) where ${of((filter) => onElement(found.attribute, filter))})`;
}

function onElement(attribute: Attribute, filter: Filter): SQL {
  if (filter.kind === 'and' || filter.kind === 'or')
    return joined(
      filter.kind,
      filter.terms.map((term) => onElement(attribute, term)),
    );
  if (filter.kind === 'not') return negated(onElement(attribute, filter.term));
  if (filter.kind === 'element') throw wrong('A value filter cannot contain another one');
  const sub = attribute.sub.get(filter.path.toLowerCase());
  if (sub === undefined) throw wrong(`"${attribute.name}" has no sub-attribute "${filter.path}"`);
  const text = sql`(e.v->>${sql.raw(`'${sub.name}'`)})`;
  if (filter.kind === 'present') return sql`coalesce(${text}, '') <> ''`;
  return comparison(
    sub,
    sub.type === 'boolean' ? sql`coalesce(${text}, 'false')::boolean` : text,
    filter.op,
    filter.value,
  );
}

const ORDER = { gt: '>', ge: '>=', lt: '<', le: '<=' } as const satisfies Partial<Record<CompareOp, string>>;
const isOrder = (op: CompareOp): op is keyof typeof ORDER => Object.hasOwn(ORDER, op);

/** `folded` is the expression without regard to case, if a column has it. */
function comparison(
  leaf: Attribute,
  expression: SQL,
  op: CompareOp,
  value: string | null,
  folded = sql`folded(${expression})`,
): SQL {
  if (value === null) {
    if (op === 'eq') return sql`${expression} is null`;
    if (op === 'ne') return sql`${expression} is not null`;
    throw wrong(`null can only be compared with eq and ne`);
  }
  if (leaf.type === 'boolean') {
    const wanted = readBoolean(value);
    if (wanted === undefined || (op !== 'eq' && op !== 'ne'))
      throw wrong(`"${leaf.name}" can only be compared with eq or ne, to true or false`);
    return op === 'eq' ? sql`${expression} = ${wanted}` : sql`${expression} is distinct from ${wanted}`;
  }
  if (leaf.type === 'dateTime') {
    const at = new Date(value);
    if (Number.isNaN(at.getTime()) || op === 'co' || op === 'sw' || op === 'ew')
      throw wrong(`"${leaf.name}" can only be compared with eq, ne, gt, ge, lt or le, to a date and time`);
    const moment = sql`${at.toISOString()}::timestamptz`;
    if (op === 'eq') return sql`${expression} = ${moment}`;
    if (op === 'ne') return sql`${expression} is distinct from ${moment}`;
    return sql`${expression} ${sql.raw(ORDER[op])} ${moment}`;
  }
  return leaf.caseExact
    ? textComparison(expression, op, value, (text) => sql`${text}::text`)
    : textComparison(folded, op, value, (text) => sql`folded(${text}::text)`);
}

function textComparison(left: SQL, op: CompareOp, value: string, right: (text: string) => SQL): SQL {
  if (op === 'eq') return sql`${left} = ${right(value)}`;
  if (op === 'ne') return sql`${left} is distinct from ${right(value)}`;
  if (isOrder(op)) return sql`${left} ${sql.raw(ORDER[op])} ${right(value)}`;
  // Unlike LIKE this may use an index behind row-level security.
  if (op === 'sw') return sql`${left} ^@ ${right(value)}`;
  const literal = value.replace(/[\\%_]/g, '\\$&');
  return sql`${left} like ${right(`%${literal}${op === 'ew' ? '' : '%'}`)}`;
}
