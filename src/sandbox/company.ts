/**
 * A person of the sample company. Both simulators are seeded with it, so a person is the same human at Okta
 * and in Slack.
 */
export interface SamplePerson {
  readonly key: string;
  readonly oktaId: string;
  readonly slackId: string;
  readonly firstName: string;
  readonly lastName: string;
  readonly email: string;
  readonly title: string;
  readonly department: string;
  readonly employeeNumber: string;
  /** The `key` of the manager, or null at the top. */
  readonly manager: string | null;
  readonly status: 'ACTIVE' | 'SUSPENDED' | 'STAGED' | 'DEPROVISIONED';
  /** The names of groups, without Everyone. */
  readonly groups: readonly string[];
  readonly factors: readonly ('token:software:totp' | 'push' | 'webauthn' | 'sms')[];
  /** The names of Okta administrator roles. */
  readonly adminRoles: readonly string[];
}

const person = (
  number: number,
  key: string,
  lastName: string,
  title: string,
  department: string,
  manager: string | null,
  groups: string[],
  more: Partial<Pick<SamplePerson, 'status' | 'factors' | 'adminRoles'>> = {},
): SamplePerson => ({
  key,
  oktaId: `00u${key}`.padEnd(18, '0') + 'h7',
  slackId: `U${key.toUpperCase()}`.padEnd(11, '0'),
  firstName: key[0]!.toUpperCase() + key.slice(1),
  lastName,
  email: `${key}@acme.example`,
  title,
  department,
  employeeNumber: String(1000 + number),
  manager,
  status: more.status ?? 'ACTIVE',
  groups,
  factors: more.factors ?? ['push', 'token:software:totp'],
  adminRoles: more.adminRoles ?? [],
});

/** The sample company. */
export const SAMPLE_COMPANY = {
  name: 'Acme',
  domain: 'acme.example',
  slackTeamId: 'T0ACME00000',
  slackAppId: 'A0PROKURA00',
  groups: [
    { oktaId: '00gmanagers0000000h7', name: 'Managers', description: 'People who lead a team' },
    { oktaId: '00gitadmins0000000h7', name: 'IT Admins', description: 'Run the identity system' },
    { oktaId: '00gexecutives00000h7', name: 'Executives', description: 'Approve high-value requests' },
    { oktaId: '00gengineering0000h7', name: 'Engineering', description: 'Builds the product' },
    { oktaId: '00gfinance00000000h7', name: 'Finance', description: 'Pays the bills' },
  ],
  people: [
    person(1, 'erin', 'Clarke', 'Chief Executive', 'Board', null, ['Executives', 'Managers']),
    person(2, 'mona', 'Patel', 'Director of Engineering', 'Engineering', 'erin', [
      'Managers',
      'Executives',
      'Engineering',
    ]),
    person(3, 'bob', 'Meyer', 'Team Lead', 'Engineering', 'mona', ['Managers', 'Engineering']),
    person(4, 'carl', 'Jensen', 'Engineer', 'Engineering', 'bob', ['Engineering']),
    person(5, 'ann', 'Lee', 'Engineer', 'Engineering', 'bob', ['Engineering'], {
      factors: ['push', 'token:software:totp', 'webauthn'],
    }),
    person(6, 'dana', 'Ruiz', 'IT Administrator', 'IT', 'erin', ['IT Admins'], {
      adminRoles: ['Super Administrator'],
    }),
    person(7, 'ivan', 'Novak', 'IT Administrator', 'IT', 'erin', ['IT Admins'], {
      adminRoles: ['Help Desk Administrator'],
    }),
    person(8, 'nina', 'Rossi', 'Analyst', 'Finance', 'faye', ['Finance']),
    person(9, 'faye', 'Dubois', 'Head of Finance', 'Finance', 'erin', ['Managers', 'Finance']),
    person(10, 'otto', 'Brandt', 'Engineer', 'Engineering', 'bob', ['Engineering'], { status: 'SUSPENDED' }),
    person(11, 'pia', 'Santos', 'Engineer', 'Engineering', 'bob', [], { status: 'STAGED', factors: [] }),
    person(12, 'quin', 'Hale', 'Engineer', 'Engineering', 'bob', [], {
      status: 'DEPROVISIONED',
      factors: [],
    }),
  ],
} as const;

/** The sample person with this key. Throws an Error if there is none. */
export function samplePerson(key: string): SamplePerson {
  const found = SAMPLE_COMPANY.people.find((one) => one.key === key);
  if (found === undefined) throw new Error(`there is no sample person ${key}`);
  return found;
}
