import { Fault } from '#lib/fault.ts';

const PREFIX = { user: '00u', group: '00g' } as const;

/**
 * Returns `uid` if it has the form of an immutable Okta id of this kind, and otherwise throws Fault
 * `invalid_input`. In place of a user id, Okta's paths also accept a login, its short form and `me`, and `..`
 * would leave the path; none of them may reach Okta.
 */
export function oktaId(kind: keyof typeof PREFIX, uid: string): string {
  if (uid.startsWith(PREFIX[kind]) && /^[0-9A-Za-z]{10,40}$/.test(uid)) return uid;
  throw new Fault(
    'invalid_input',
    `This is not the ID of an Okta ${kind}. Look up the ${kind} first and use its ID.`,
    {
      detail: { field: 'uid' },
    },
  );
}
