import { attribute, plural, type Attribute } from './attribute.ts';

/** The core User schema (RFC 7643 section 4.1). */
export const CORE = 'urn:ietf:params:scim:schemas:core:2.0:User';
/** The enterprise extension (RFC 7643 section 4.3). */
export const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
/** Our own extension. Its URN is a contract with clients. */
export const MANDAITOR = 'urn:mandaitor:scim:1.0:User';

/** A schema as data. `/Schemas`, validation, PATCH, filters and projection follow from it. */
export interface Schema {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly attributes: readonly Attribute[];
}

const text = (name: string, description: string): Attribute => attribute(name, 'string', description);

/** The attributes that every resource has and no schema lists (RFC 7643 section 3.1). */
export const COMMON: readonly Attribute[] = [
  attribute('schemas', 'string', 'The schemas of this resource.', {
    multiValued: true,
    mutability: 'readOnly',
    returned: 'always',
    caseExact: true,
  }),
  attribute('id', 'string', 'Our identifier.', {
    mutability: 'readOnly',
    returned: 'always',
    caseExact: true,
    uniqueness: 'server',
  }),
  attribute('externalId', 'string', "The client's identifier.", { caseExact: true }),
  attribute('meta', 'complex', 'About the resource.', {
    mutability: 'readOnly',
    sub: [
      attribute('resourceType', 'string', 'User.', { mutability: 'readOnly', caseExact: true }),
      attribute('created', 'dateTime', 'When it was created.', { mutability: 'readOnly' }),
      attribute('lastModified', 'dateTime', 'When it was last changed.', { mutability: 'readOnly' }),
      attribute('location', 'reference', 'Its URL.', { mutability: 'readOnly', caseExact: true }),
      attribute('version', 'string', 'Its ETag.', { mutability: 'readOnly', caseExact: true }),
    ],
  }),
];

/** RFC 7643 section 4.1, without `groups`, because there is no endpoint for groups. */
export const coreUser = {
  id: CORE,
  name: 'User',
  description: 'User Account',
  attributes: [
    attribute(
      'userName',
      'string',
      'The login, unique among the users of this tenant without regard to case.',
      { required: true, uniqueness: 'server' },
    ),
    attribute('name', 'complex', 'The parts of the name.', {
      sub: [
        text('formatted', 'The whole name.'),
        text('familyName', 'Family name.'),
        text('givenName', 'Given name.'),
        text('middleName', 'Middle names.'),
        text('honorificPrefix', 'Title before the name.'),
        text('honorificSuffix', 'Suffix after the name.'),
      ],
    }),
    text('displayName', 'Display name. Default: made from the name or the login.'),
    text('nickName', 'Casual name.'),
    attribute('profileUrl', 'reference', 'A page about the user.', {
      referenceTypes: ['external'],
      caseExact: true,
    }),
    text('title', 'Job title.'),
    text('userType', 'The relation to the organisation.'),
    text('preferredLanguage', 'As in Accept-Language.'),
    text('locale', 'For example en-US.'),
    text('timezone', 'IANA name, for example Europe/Berlin.'),
    attribute(
      'active',
      'boolean',
      'Set to false to end all tokens of the user immediately and to revoke all their mandates (or freeze them, as the tenant chose).',
    ),
    attribute('password', 'string', 'Accepted and discarded: nobody signs in here with a password.', {
      mutability: 'writeOnly',
      returned: 'never',
      caseExact: true,
    }),
    plural('emails', 'Email addresses. People are matched by the primary or work address.', [
      'work',
      'home',
      'other',
    ]),
    plural('phoneNumbers', 'Phone numbers, stored as sent.', [
      'work',
      'home',
      'mobile',
      'fax',
      'pager',
      'other',
    ]),
    plural('ims', 'Instant messaging addresses.', []),
    plural('photos', 'URLs of photos.', ['photo', 'thumbnail']),
    attribute('addresses', 'complex', 'Postal addresses.', {
      multiValued: true,
      sub: [
        text('formatted', 'The whole address.'),
        text('streetAddress', 'Street.'),
        text('locality', 'City.'),
        text('region', 'State or region.'),
        text('postalCode', 'Postal code.'),
        text('country', 'ISO 3166-1 alpha-2.'),
        attribute('type', 'string', 'What the address is for.', {
          canonicalValues: ['work', 'home', 'other'],
        }),
        attribute('primary', 'boolean', 'True for the preferred one.'),
      ],
    }),
    plural('entitlements', 'Entitlements, stored as sent. They grant nothing here.', []),
    plural('roles', 'Roles, stored as sent. Authority comes only from groups.', []),
    plural('x509Certificates', 'Certificates, base64.', []),
  ],
} satisfies Schema;

/** RFC 7643 section 4.3. `manager.displayName` is stored as Okta sends it. */
export const enterpriseUser = {
  id: ENTERPRISE,
  name: 'EnterpriseUser',
  description: 'Enterprise User',
  attributes: [
    text('employeeNumber', 'Identifier in the organisation.'),
    text('costCenter', 'Cost center.'),
    text('organization', 'Organization.'),
    text('division', 'Division.'),
    text('department', 'Department.'),
    attribute('manager', 'complex', 'The manager.', {
      sub: [
        attribute('value', 'string', "The manager's SCIM ID, ID at the provider, email or login.", {
          caseExact: true,
        }),
        attribute('$ref', 'reference', "URL of the manager's resource.", {
          referenceTypes: ['User'],
          caseExact: true,
        }),
        text('displayName', "The manager's name."),
      ],
    }),
  ],
} satisfies Schema;

/** The user's identity at the identity provider, and the scopes that they may delegate. */
export const mandaitorUser = {
  id: MANDAITOR,
  name: 'DelegationUser',
  description: 'Subject and delegation authority of a user',
  attributes: [
    attribute(
      'identityProvider',
      'string',
      'OKTA, ENTRA, … Default: the provider of the SCIM connection. Together with providerUid it forms the subject oidc:<provider>:<uid>.',
      { mutability: 'immutable' },
    ),
    attribute(
      'providerUid',
      'string',
      "The identity provider's immutable ID of the user. Default: externalId.",
      { mutability: 'immutable', caseExact: true, uniqueness: 'server' },
    ),
    attribute(
      'delegationAuthority',
      'string',
      'Scopes that the user can delegate now. Read-only: they come from groups.',
      { multiValued: true, mutability: 'readOnly', caseExact: true },
    ),
  ],
} satisfies Schema;
