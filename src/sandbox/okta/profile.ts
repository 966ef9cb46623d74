import { invalid } from './errors.ts';
import type { Simulation } from './simulation.ts';

/** The attributes of the default user schema: title, and whether they are required. All are strings. */
export const BASE_ATTRIBUTES = {
  login: ['Username', true],
  firstName: ['First name', true],
  lastName: ['Last name', true],
  middleName: ['Middle name', false],
  honorificPrefix: ['Honorific prefix', false],
  honorificSuffix: ['Honorific suffix', false],
  email: ['Primary email', true],
  title: ['Title', false],
  displayName: ['Display name', false],
  nickName: ['Nickname', false],
  profileUrl: ['Profile Url', false],
  secondEmail: ['Secondary email', false],
  mobilePhone: ['Mobile phone', false],
  primaryPhone: ['Primary phone', false],
  streetAddress: ['Street address', false],
  city: ['City', false],
  state: ['State', false],
  zipCode: ['Zip code', false],
  countryCode: ['Country code', false],
  postalAddress: ['Postal Address', false],
  preferredLanguage: ['Preferred language', false],
  locale: ['Locale', false],
  timezone: ['Time zone', false],
  userType: ['User type', false],
  employeeNumber: ['Employee number', false],
  costCenter: ['Cost center', false],
  organization: ['Organization', false],
  division: ['Division', false],
  department: ['Department', false],
  managerId: ['ManagerId', false],
  manager: ['Manager', false],
} as const satisfies Record<string, readonly [string, boolean]>;

/** The sandbox org's custom attribute, so that readers of the schema find one. */
export const CUSTOM_ATTRIBUTES = { badgeNumber: 'Badge number' } as const;

const EMAIL = /^[^\s@]+@[^\s@]+$/;

/**
 * Checks a whole profile as Okta does: required and unknown attributes, types, form and uniqueness of the
 * login. Throws E0000001.
 */
export function checkProfile(
  sim: Simulation,
  profile: Readonly<Record<string, unknown>>,
  ownId: string | null,
): void {
  for (const [name, [, required]] of Object.entries(BASE_ATTRIBUTES)) {
    const value = profile[name];
    if (required && (value === undefined || value === null || value === ''))
      throw invalid(name, `${name}: The field cannot be left blank`);
    if (value !== undefined && value !== null && typeof value !== 'string')
      throw invalid(name, `${name}: The value must be a string`);
  }
  const unknown = Object.keys(profile).find(
    (name) => !Object.hasOwn(BASE_ATTRIBUTES, name) && !Object.hasOwn(CUSTOM_ATTRIBUTES, name),
  );
  if (unknown !== undefined)
    throw invalid(unknown, `${unknown}: The attribute is not defined in the user schema`);
  const login = String(profile['login']);
  if (!EMAIL.test(login)) throw invalid('login', 'login: Username must be in the form of an email address');
  if (!EMAIL.test(String(profile['email']))) throw invalid('email', 'email: Does not match required pattern');
  const taken = [...sim.org.users.values()].some(
    (user) => user.id !== ownId && String(user.profile['login']).toLowerCase() === login.toLowerCase(),
  );
  if (taken)
    throw invalid('login', 'login: An object with this field already exists in the current organization');
}
