import { Fault } from '#lib/fault.ts';

const PREFIX = { user: '00u', group: '00g' } as const;

/**
 * Returns `uid` if it looks like an immutable Okta id of this kind, else throws `invalid_input`. Okta's paths also accept a
 * login, a login's short form and `me` in the place of a user's id, and `..` would leave the path: none of them may get there.
 */
export function oktaId(kind: keyof typeof PREFIX, uid: string): string {
  if (uid.startsWith(PREFIX[kind]) && /^[0-9A-Za-z]{10,40}$/.test(uid)) return uid;
  throw new Fault(
    'invalid_input',
    `This is not the id of an Okta ${kind}: look the ${kind} up first and use the id given there.`,
    {
      detail: { field: 'uid' },
    },
  );
}
