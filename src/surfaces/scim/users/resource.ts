import type { PersonRecord } from '#domain/person/provisioner.ts';
import type { Person } from '#domain/person/store.ts';
import { oneLine } from '#lib/sanitise.ts';
import { USER_SCHEMA_IDS } from '../schema/registry.ts';
import { ENTERPRISE, MANDAITOR } from '../schema/user.ts';
import { isObject, type Resource } from '../value.ts';

/** The columns of a person that make up a SCIM user. */
export type UserRow = Pick<
  Person,
  | 'id'
  | 'scimId'
  | 'scimDoc'
  | 'scimActive'
  | 'provider'
  | 'uid'
  | 'login'
  | 'email'
  | 'displayName'
  | 'firstName'
  | 'lastName'
  | 'employeeNumber'
  | 'title'
  | 'department'
  | 'version'
  | 'createdAt'
  | 'updatedAt'
> & { readonly authority: readonly string[] };

/** A weak ETag that every change of the row raises (RFC 7644 section 3.14). */
export const versionOf = (row: Pick<Person, 'version'>): string => `W/"${row.version}"`;

/**
 * The user as a SCIM resource (RFC 7643 section 4), from the columns and, for the rest, from the stored
 * document. `base` is the URL of the service through which the request came. Members without a value are
 * undefined, which JSON leaves out.
 */
export function resourceOf(row: UserRow, base: string): Resource {
  const doc = row.scimDoc ?? {};
  const enterprise = full({
    ...part(doc[ENTERPRISE]),
    employeeNumber: row.employeeNumber ?? undefined,
    department: row.department ?? undefined,
  });
  return {
    ...doc,
    schemas: USER_SCHEMA_IDS,
    id: row.scimId,
    meta: {
      resourceType: 'User',
      created: row.createdAt.toISOString(),
      lastModified: row.updatedAt.toISOString(),
      location: `${base}/Users/${row.scimId}`,
      version: versionOf(row),
    },
    userName: row.login,
    name: full({
      ...part(doc['name']),
      givenName: row.firstName || undefined,
      familyName: row.lastName || undefined,
    }),
    displayName: row.displayName,
    title: row.title ?? undefined,
    active: row.scimActive ?? true,
    emails: doc['emails'] === undefined ? columnEmail(row.email) : nonEmpty(doc['emails']),
    [ENTERPRISE]: enterprise,
    [MANDAITOR]: {
      identityProvider: row.provider.toUpperCase(),
      providerUid: row.uid,
      delegationAuthority: row.authority,
    },
  };
}

/**
 * The person's record that a resource describes. `manager` is included only if it differs from that of
 * `before`. No resource contains a password.
 */
export function recordOf(resource: Resource, before: Resource | null): PersonRecord {
  const {
    schemas: _s,
    id: _i,
    meta: _m,
    active: _a,
    userName,
    displayName,
    title,
    name,
    emails,
    [ENTERPRISE]: enterprise,
    [MANDAITOR]: _d,
    ...rest
  } = resource;
  const { givenName, familyName, ...names } = part(name);
  const { employeeNumber, department, ...work } = part(enterprise);
  const login = String(userName);
  const first = text(givenName) ?? '';
  const last = text(familyName) ?? '';
  const ref = text(part(work['manager'])['value']);
  const manager = ref === managerOf(before) ? {} : { manager: { ref } };
  return {
    login,
    email: workEmail(emails) ?? (login.includes('@') ? login.toLowerCase() : ''),
    displayName: text(displayName) ?? text(names['formatted']) ?? (`${first} ${last}`.trim() || login),
    firstName: first,
    lastName: last,
    employeeNumber: text(employeeNumber),
    title: text(title),
    department: text(department),
    // Keep an empty list too, or the email column would pass for what the client said.
    scimDoc: { ...rest, emails: emails ?? [], ...member('name', names), ...member(ENTERPRISE, work) },
    ...manager,
  };
}

const part = (value: unknown): Resource => (isObject(value) ? value : {});
/** A text of the resource as one line. Null if nothing readable remains. */
const text = (value: unknown): string | null => (typeof value === 'string' && oneLine(value).trim()) || null;
const nonEmpty = (value: unknown): unknown =>
  Array.isArray(value) && value.length === 0 ? undefined : value;
const full = (value: Resource): Resource | undefined =>
  Object.values(value).some((one) => one !== undefined) ? value : undefined;
const member = (name: string, value: Resource): Resource =>
  Object.keys(value).length === 0 ? {} : { [name]: value };
const columnEmail = (email: string): unknown =>
  email === '' ? undefined : [{ value: email, type: 'work', primary: true }];
const managerOf = (resource: Resource | null): string | null =>
  text(part(part(resource?.[ENTERPRISE])['manager'])['value']);

/**
 * The primary address, or else the work address, or else the first. In lower case, because people are matched
 * by it.
 */
function workEmail(emails: unknown): string | null {
  const all = Array.isArray(emails) ? emails.filter(isObject) : [];
  const best =
    all.find((one) => one['primary'] === true) ?? all.find((one) => one['type'] === 'work') ?? all[0];
  return text(best?.['value'])?.toLowerCase() ?? null;
}
