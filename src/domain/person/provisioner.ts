import type { TenantWriter } from '../context.ts';
import type { Person } from './store.ts';

/**
 * The source of a SCIM change: the connection's provider (`okta`, `entra`), the providers whose people it may
 * write (its own and those that the tenant linked to it), and the tenant's choice for `active:false`.
 */
export interface Provisioner {
  readonly source: string;
  readonly sources: readonly string[];
  readonly onDeactivate: 'revoke' | 'freeze';
}

/** What a provisioner may say about a person, parsed. If `manager` is absent, the row keeps its manager. */
export interface PersonRecord {
  readonly login: string;
  readonly email: string;
  readonly displayName: string;
  readonly firstName: string;
  readonly lastName: string;
  readonly employeeNumber: string | null;
  readonly title: string | null;
  readonly department: string | null;
  readonly scimDoc: Readonly<Record<string, unknown>>;
  readonly manager?: { readonly ref: string | null };
}

/**
 * A person in their first SCIM request. `uidStated`: the client named the subject itself and did not leave it
 * to `externalId`.
 */
export interface Provisioning {
  readonly record: PersonRecord;
  readonly active: boolean;
  readonly provider: string;
  readonly uid: string | null;
  readonly uidStated: boolean;
  readonly externalId: string | null;
}

/** The provisioner as the ledger names it. */
export const actorOf = (by: Provisioner): string => `${by.source}:scim`;

/** Records in the ledger what the provisioner did to a person. */
export function note(
  ctx: TenantWriter,
  by: Provisioner,
  event: 'user_provisioned' | 'user_updated' | 'user_reactivated',
  person: Person,
  data: Readonly<Record<string, unknown>>,
): void {
  ctx.record({
    event,
    actor: actorOf(by),
    data: { person: person.id, subject: subjectOf(person), ...data },
  });
}

const subjectOf = (person: Pick<Person, 'provider' | 'uid'>): string =>
  `oidc:${person.provider}:${person.uid}`;
