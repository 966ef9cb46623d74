import { sql, type SQL } from 'drizzle-orm';
import { USER_SCHEMA_IDS, type AttributeTarget } from '../schema/registry.ts';
import { CORE, ENTERPRISE, MANDAITOR } from '../schema/user.ts';

/**
 * The scopes that a person's groups give now, sorted, as an SQL array over the table or alias `person`:
 * `authorityOf` for many people at once.
 */
export const authoritySql = (person: string): string => `array(
  select distinct unnest(gm.scopes) as scope from memberships ms
    join groups g on g.tenant_id = ms.tenant_id and g.id = ms.group_id
    join group_mappings gm on gm.tenant_id = g.tenant_id and gm.source = g.source and gm.group_uid = g.uid
   where ms.tenant_id = ${person}.tenant_id and ms.person_id = ${person}.id order by scope)`;

// Attributes with a column of their own, by `<urn>#<attribute>[.<sub>]`.
const COLUMNS: Readonly<Record<string, string>> = {
  [`${CORE}#id`]: 'people.scim_id',
  [`${CORE}#externalId`]: 'people.external_id',
  [`${CORE}#userName`]: 'people.login',
  [`${CORE}#displayName`]: 'people.display_name',
  [`${CORE}#name.givenName`]: 'people.first_name',
  [`${CORE}#name.familyName`]: 'people.last_name',
  [`${CORE}#title`]: 'people.title',
  [`${CORE}#active`]: 'coalesce(people.scim_active, true)',
  [`${CORE}#meta.resourceType`]: `'User'`,
  [`${CORE}#meta.created`]: `date_trunc('milliseconds', people.created_at)`,
  [`${CORE}#meta.lastModified`]: `date_trunc('milliseconds', people.updated_at)`,
  [`${CORE}#meta.version`]: `('W/"' || people.version || '"')`,
  [`${ENTERPRISE}#employeeNumber`]: 'people.employee_number',
  [`${ENTERPRISE}#department`]: 'people.department',
  [`${MANDAITOR}#identityProvider`]: 'upper(people.provider)',
  [`${MANDAITOR}#providerUid`]: 'people.uid',
};

// Columns that hold the folded text of an attribute, and have an index.
const FOLDED: Readonly<Record<string, string>> = { [`${CORE}#userName`]: 'people.login_folded' };

const VALUES: Readonly<Record<string, string>> = {
  [`${CORE}#schemas`]: `array[${USER_SCHEMA_IDS.map((id) => `'${id}'`).join(', ')}]::text[]`,
  [`${MANDAITOR}#delegationAuthority`]: authoritySql('people'),
};

const keyOf = (target: AttributeTarget): string =>
  `${target.schema ?? CORE}#${target.attribute.name}${target.sub === null ? '' : `.${target.sub.name}`}`;

/** Names come from the registry and contain no quotation mark, so they are safe in the SQL text. */
const inDoc = (target: AttributeTarget): string =>
  `people.scim_doc${target.schema === null ? '' : `->'${target.schema}'`}`;

/** The SQL of a single-valued attribute. Null if it has none; a location depends on the request. */
export function expressionOf(target: AttributeTarget): SQL | null {
  const column = COLUMNS[keyOf(target)];
  if (column !== undefined) return sql.raw(column);
  if (target.attribute.name === 'meta') return null;
  const { attribute, sub } = target;
  return sql.raw(
    sub === null
      ? `(${inDoc(target)}->>'${attribute.name}')`
      : `(${inDoc(target)}->'${attribute.name}'->>'${sub.name}')`,
  );
}

/** The SQL of a single-valued attribute without regard to case, given what `expressionOf` made of it. */
export const foldedOf = (target: AttributeTarget, expression: SQL): SQL => {
  const column = FOLDED[keyOf(target)];
  return column === undefined ? sql`folded(${expression})` : sql.raw(column);
};

/**
 * The jsonb array of a multi-valued complex attribute. A row that SCIM did not write has its one email
 * address in a column.
 */
export function elementsOf(target: AttributeTarget): SQL {
  const held = `${inDoc(target)}->'${target.attribute.name}'`;
  if (target.attribute.name !== 'emails') return sql.raw(`coalesce(${held}, '[]')`);
  return sql.raw(`coalesce(${held}, case when people.email = '' then '[]'
    else jsonb_build_array(jsonb_build_object('value', people.email, 'type', 'work', 'primary', true)) end)`);
}

/** The text array of a multi-valued simple attribute, or null. */
export function valuesOf(target: AttributeTarget): SQL | null {
  const source = VALUES[keyOf(target)];
  return source === undefined ? null : sql.raw(source);
}
