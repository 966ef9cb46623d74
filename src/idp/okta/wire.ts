import { z } from 'zod';
import type { Factor, PersonStatus, ProviderGroup, ProviderPerson } from '#domain/provider.ts';
import { Fault } from '#lib/fault.ts';
import { oneLine } from '#lib/sanitise.ts';

const STATUSES = {
  ACTIVE: true,
  STAGED: true,
  PROVISIONED: true,
  RECOVERY: true,
  PASSWORD_EXPIRED: true,
  LOCKED_OUT: true,
  SUSPENDED: true,
  DEPROVISIONED: true,
} satisfies Record<PersonStatus, true>;

// A profile follows the customer's own schema: any field may be missing or of any type.
const fields = z.record(z.string(), z.unknown());

const userShape = z.looseObject({ id: z.string().min(1), status: z.string(), profile: fields.catch({}) });
const groupShape = z.looseObject({ id: z.string().min(1), profile: fields.catch({}) });
const identified = z.looseObject({ id: z.string().min(1) });

/**
 * Reads a person from a user object of the management API. Only `id` and `status` must exist. An unknown
 * status counts as SUSPENDED, so it never passes as active. `managerRef` is `managerId`, or else `manager`.
 * Throws Fault `unavailable` for any other shape, as the functions below do.
 */
export function personOf(value: unknown): ProviderPerson {
  const { id, status, profile } = parse(userShape, value);
  const field = (name: string): string | null => text(profile[name]);
  const login = field('login') ?? '';
  const firstName = field('firstName') ?? '';
  const lastName = field('lastName') ?? '';
  return {
    uid: id,
    status: Object.hasOwn(STATUSES, status) ? (status as PersonStatus) : 'SUSPENDED',
    login,
    email: (field('email') ?? (login.includes('@') ? login : '')).toLowerCase(),
    displayName: field('displayName') ?? (`${firstName} ${lastName}`.trim() || login),
    firstName,
    lastName,
    employeeNumber: field('employeeNumber'),
    title: field('title'),
    department: field('department'),
    managerRef: field('managerId') ?? field('manager'),
  };
}

/**
 * `passwordChanged` of a user object in Okta's form (ISO time), or null if absent (federated or staged
 * users).
 */
export const passwordChangedOf = (value: unknown): string | null =>
  text(parse(userShape, value)['passwordChanged']);

/** Reads a group. `kind` is Okta's `type`. */
export function groupOf(value: unknown): ProviderGroup {
  const group = parse(groupShape, value);
  return {
    uid: group.id,
    name: text(group.profile['name']) ?? '',
    description: text(group.profile['description']),
    kind: text(group['type']) ?? '',
  };
}

/** Reads an enrolled factor. `type` is Okta's `factorType`; `vendor` is its `vendorName` or `provider`. */
export function factorOf(value: unknown): Factor {
  const factor = parse(identified, value);
  return {
    id: factor.id,
    type: text(factor['factorType']) ?? '',
    vendor: text(factor['vendorName']) ?? text(factor['provider']) ?? '',
    status: text(factor['status']) ?? '',
  };
}

/**
 * The name of an administrator role: its `label`, as the admin console shows it, or else its `type`. Null for
 * an inactive role.
 */
export function roleOf(value: unknown): string | null {
  const role = parse(fields, value);
  return role['status'] === 'INACTIVE' ? null : (text(role['label']) ?? text(role['type']) ?? 'unnamed role');
}

/** The id of any object. */
export const idOf = (value: unknown): string => parse(identified, value).id;

/** Reads a list. Throws Fault `unavailable` for anything else. */
export const listOf = (value: unknown): unknown[] => parse(z.array(z.unknown()), value);

function parse<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new Fault(
    'unavailable',
    'Okta’s response does not match its API. Try again, or check the organisation URL.',
    {
      detail: {
        reason: 'unexpected_shape',
        at: result.error.issues.map((issue) => issue.path.join('.')),
        unanswered: false,
      },
    },
  );
}

/** A text or number from Okta as one line. Null if nothing readable remains. */
function text(value: unknown): string | null {
  if (typeof value === 'number') return String(value);
  return (typeof value === 'string' && oneLine(value).trim()) || null;
}
