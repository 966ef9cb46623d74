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

// A profile is the customer's own schema: whatever is there may have any type, or be missing.
const fields = z.record(z.string(), z.unknown());

const userShape = z.looseObject({ id: z.string().min(1), status: z.string(), profile: fields.catch({}) });
const groupShape = z.looseObject({ id: z.string().min(1), profile: fields.catch({}) });
const identified = z.looseObject({ id: z.string().min(1) });

/**
 * A person out of a user object of the management API. Only `id` and `status` must be there. A status that we do not know
 * counts as SUSPENDED: nothing may treat it as active. `managerRef` prefers `managerId` to `manager`.
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

/** `passwordChanged` of a user object as Okta gives it (ISO time), or null where it is absent (federated, staged). */
export const passwordChangedOf = (value: unknown): string | null =>
  text(parse(userShape, value)['passwordChanged']);

/** A group; `kind` is Okta's `type`. */
export function groupOf(value: unknown): ProviderGroup {
  const group = parse(groupShape, value);
  return {
    uid: group.id,
    name: text(group.profile['name']) ?? '',
    description: text(group.profile['description']),
    kind: text(group['type']) ?? '',
  };
}

/** An enrolled factor; `type` is Okta's `factorType`, `vendor` its `vendorName` or `provider`. */
export function factorOf(value: unknown): Factor {
  const factor = parse(identified, value);
  return {
    id: factor.id,
    type: text(factor['factorType']) ?? '',
    vendor: text(factor['vendorName']) ?? text(factor['provider']) ?? '',
    status: text(factor['status']) ?? '',
  };
}

/** The name of a role (`label`, as the admin console shows it; else `type`), or null for one that is not in force. */
export function roleOf(value: unknown): string | null {
  const role = parse(fields, value);
  return role['status'] === 'INACTIVE' ? null : (text(role['label']) ?? text(role['type']) ?? 'unnamed role');
}

/** The id of any object. */
export const idOf = (value: unknown): string => parse(identified, value).id;

/** A list; anything else is `unavailable`. */
export const listOf = (value: unknown): unknown[] => parse(z.array(z.unknown()), value);

function parse<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new Fault(
    'unavailable',
    'Okta answered with something that is not what its API promises: try again, or check the organisation URL.',
    {
      detail: {
        reason: 'unexpected_shape',
        at: result.error.issues.map((issue) => issue.path.join('.')),
        unanswered: false,
      },
    },
  );
}

/** A text of Okta's as one line; null where nothing of it can be read. */
function text(value: unknown): string | null {
  if (typeof value === 'number') return String(value);
  return (typeof value === 'string' && oneLine(value).trim()) || null;
}
