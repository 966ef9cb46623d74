import { answersTo, type Check } from '#lib/check.ts';
import { oneLine } from '#lib/sanitise.ts';
import { listIn, objectIn, type AskOkta, type OktaToCheck } from './check-ask.ts';

/**
 * What a custom role must allow, and what fails here without it (docs/okta-setup.md has the same table).
 */
const NEEDED: Readonly<Record<string, string>> = {
  'okta.users.read': 'the import fails',
  'okta.groups.read': 'the import fails',
  'okta.users.credentials.resetPassword': 'okta_reset_password fails at Okta',
  'okta.users.credentials.resetFactors': 'okta_reset_mfa fails at Okta',
  'okta.users.lifecycle.suspend': 'okta_suspend_user fails at Okta',
  'okta.iam.read': 'every person counts as privileged',
};

/** Permissions that contain others: what they begin with. */
const WIDER: Readonly<Record<string, string>> = {
  'okta.users.manage': 'okta.users.',
  'okta.users.credentials.manage': 'okta.users.credentials.',
  'okta.users.lifecycle.manage': 'okta.users.lifecycle.',
  'okta.groups.manage': 'okta.groups.',
};

/** Standard roles that only look. */
const LOOKING: ReadonlySet<string> = new Set(['READ_ONLY_ADMIN', 'REPORT_ADMIN']);

/**
 * What the administrator roles of our credential allow, as far as Okta shows that to the credential itself.
 */
export async function roleCheck({ credential }: OktaToCheck, ask: AskOkta): Promise<Check> {
  const answers = answersTo('okta.role', 'Okta: the administrator role of the credential');
  const path =
    credential.kind === 'private_key'
      ? `/oauth2/v1/clients/${encodeURIComponent(credential.clientId)}/roles`
      : '/api/v1/users/me/roles';
  const answer = await ask(path);
  if (answer.status !== 200)
    return answers.warning(
      `Okta does not show which roles the credential has (${answer.status}).`,
      "Add the permission okta.iam.read to the app's custom role, then check again.",
    );
  const roles = listIn(answer).filter(({ status }) => status !== 'INACTIVE');
  const types = roles.map(({ type }) => String(type));
  const labels = roles.map(({ label, type }) => oneLine(String(label ?? type))).join(', ');
  if (types.includes('SUPER_ADMIN'))
    return answers.warning(
      'The credential is a super administrator: anyone who steals this server controls the whole Okta organisation.',
      'Give the app a custom role with the permissions of docs/okta-setup.md instead, and remove Super Administrator.',
    );
  if (roles.length === 0)
    return answers.failed(
      'The app has no administrator role, so Okta shows it nobody.',
      'Give it one in Okta: Applications, the app, tab Admin roles.',
      'admin_role',
    );
  const custom = roles.filter(({ type }) => type === 'CUSTOM');
  if (custom.length === 0)
    return types.every((type) => LOOKING.has(type))
      ? answers.warning(
          `The role ${labels} only looks: resets and suspensions fail at Okta.`,
          'Give the app a custom role with the permissions of docs/okta-setup.md, unless people are only looked up here.',
        )
      : answers.ok(`${labels}. Okta does not list what a standard role allows.`);
  const allowed = await Promise.all(custom.map((role) => permissionsOf(ask, String(role['role']))));
  const known = allowed.filter((one) => one !== null).flat();
  if (allowed.includes(null))
    return answers.warning(
      `Okta does not show what the role ${labels} allows.`,
      'Add the permission okta.iam.read to it, then check again.',
    );
  // A standard role beside it may allow what the custom one lacks.
  return custom.length < roles.length
    ? answers.ok(`${labels}. Okta does not list what a standard role allows.`)
    : judge(labels, known);

  function judge(names: string, held: readonly string[]): Check {
    const has = (wanted: string) =>
      held.some((one) => one === wanted || wanted.startsWith(WIDER[one] ?? '\n'));
    const lacking = Object.keys(NEEDED).filter((wanted) => !has(wanted));
    if (lacking.length > 0)
      return answers.warning(
        `The role ${names} lacks ${lacking.map((one) => `${one} (${NEEDED[one]})`).join(', ')}.`,
        'Add what you use to the role: Security, Administrators, Roles.',
      );
    const more = held.filter((one) => !(one in NEEDED));
    return more.length === 0
      ? answers.ok(`${names}, which allows what is needed and no more.`)
      : answers.warning(
          `The role ${names} allows more than is used here: ${more.join(', ')}.`,
          'Remove it from the role: Security, Administrators, Roles.',
        );
  }
}

/** The permissions of a custom role, or null where they are not shown. */
async function permissionsOf(ask: AskOkta, role: string): Promise<string[] | null> {
  const answer = await ask(`/api/v1/iam/roles/${encodeURIComponent(role)}/permissions`);
  const permissions = answer.status === 200 ? objectIn(answer)?.['permissions'] : undefined;
  return Array.isArray(permissions)
    ? permissions.map((one: unknown) => oneLine(String((one as { label?: unknown } | null)?.label)))
    : null;
}

/** Whether the administrator roles of people can be read: without them everybody counts as privileged. */
export async function rolesOfPeople(ask: AskOkta, person: string): Promise<Check> {
  const answers = answersTo('okta.people_roles', 'Okta: reading who is an administrator');
  const answer = await ask(`/api/v1/users/${encodeURIComponent(person)}/roles`);
  return answer.status === 200
    ? answers.ok('Okta shows the administrator roles of people.')
    : answers.warning(
        `Okta does not show the administrator roles of people (${answer.status}), so every person counts as privileged: each reset takes two IT admins with step-up.`,
        "Add the permission okta.iam.read to the app's custom role.",
      );
}
