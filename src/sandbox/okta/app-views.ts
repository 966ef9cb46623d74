import type { Simulation } from './simulation.ts';
import type { AppRecord, AppUserRecord, UserRecord } from './types.ts';

// The parts in which the two sign-on modes differ.
const MODES = {
  SAML_2_0: (app: AppRecord) => ({
    credentials: { userNameTemplate: { template: '${source.login}', type: 'BUILT_IN' }, signing: {} },
    settings: {
      app: { instanceType: 'PRODUCTION' },
      signOn: {
        ssoAcsUrl: `https://${app.name}.acme.example/sso/saml`,
        audience: `https://${app.name}.acme.example`,
        recipient: `https://${app.name}.acme.example/sso/saml`,
        destination: `https://${app.name}.acme.example/sso/saml`,
        subjectNameIdTemplate: '${user.userName}',
        subjectNameIdFormat: 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress',
        responseSigned: true,
        assertionSigned: true,
        signatureAlgorithm: 'RSA_SHA256',
        digestAlgorithm: 'SHA256',
        honorForceAuthn: true,
        requestCompressed: false,
        allowMultipleAcsEndpoints: false,
        acsEndpoints: [],
        attributeStatements: [],
        authnContextClassRef: 'urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport',
      },
    },
  }),
  OPENID_CONNECT: (app: AppRecord) => ({
    credentials: {
      userNameTemplate: { template: '${source.login}', type: 'BUILT_IN' },
      oauthClient: {
        autoKeyRotation: true,
        client_id: app.id,
        token_endpoint_auth_method: 'private_key_jwt',
        pkce_required: true,
      },
    },
    settings: {
      app: {},
      oauthClient: {
        application_type: 'web',
        grant_types: ['authorization_code'],
        response_types: ['code'],
        consent_method: 'REQUIRED',
        issuer_mode: 'DYNAMIC',
        redirect_uris: [`https://${app.label.toLowerCase()}.acme.example/callback`],
        idp_initiated_login: { mode: 'DISABLED', default_scope: [] },
      },
    },
  }),
} as const satisfies Record<AppRecord['signOnMode'], (app: AppRecord) => unknown>;

/**
 * An app as Okta sends it (schema `Application`, discriminated by `signOnMode`). `embedded` is the expanded
 * app user.
 */
export function appView(
  sim: Simulation,
  app: AppRecord,
  embedded?: Record<string, unknown>,
): Record<string, unknown> {
  const self = `${sim.url()}/api/v1/apps/${app.id}`;
  return {
    id: app.id,
    orn: `orn:okta:idp:00osandbox0000000h7:apps:${app.name}:${app.id}`,
    name: app.name,
    label: app.label,
    status: 'ACTIVE',
    created: app.created,
    lastUpdated: app.lastUpdated,
    accessibility: { selfService: false },
    visibility: {
      autoSubmitToolbar: false,
      hide: { iOS: false, web: false },
      appLinks: { [`${app.name}_link`]: true },
    },
    features: [],
    signOnMode: app.signOnMode,
    ...MODES[app.signOnMode](app),
    ...(embedded === undefined ? {} : { _embedded: { user: embedded } }),
    _links: {
      self: { href: self },
      users: { href: `${self}/users` },
      groups: { href: `${self}/groups` },
      deactivate: { href: `${self}/lifecycle/deactivate` },
      logo: [{ name: 'medium', href: `${sim.url()}/img/logos/default.png`, type: 'image/png' }],
      appLinks: [
        { name: `${app.name}_link`, href: `${sim.url()}/home/${app.name}/${app.id}/aln1`, type: 'text/html' },
      ],
    },
  };
}

/** An app user as Okta sends it (schema `AppUser`), with the embedded `user` if the caller expands it. */
export const appUserView = (
  sim: Simulation,
  app: AppRecord,
  assigned: AppUserRecord,
  user?: Record<string, unknown>,
): Record<string, unknown> => ({
  id: assigned.id,
  created: assigned.created,
  lastUpdated: assigned.lastUpdated,
  scope: assigned.scope,
  status: 'ACTIVE',
  statusChanged: assigned.statusChanged,
  passwordChanged: null,
  syncState: 'DISABLED',
  credentials: { userName: assigned.userName },
  profile: assigned.profile,
  _links: {
    app: { href: `${sim.url()}/api/v1/apps/${app.id}` },
    user: { href: `${sim.url()}/api/v1/users/${assigned.id}` },
    ...(assigned.groupId === null
      ? {}
      : { group: { href: `${sim.url()}/api/v1/groups/${assigned.groupId}` } }),
  },
  ...(user === undefined ? {} : { _embedded: { user } }),
});

/**
 * A tile on the user's dashboard (schema `AssignedAppLink`). Its `id` is the user's, as in Okta's own
 * example.
 */
export const appLinkView = (
  sim: Simulation,
  app: AppRecord,
  user: UserRecord,
  sortOrder: number,
): Record<string, unknown> => ({
  id: user.id,
  label: app.label,
  linkUrl: `${sim.url()}/home/${app.name}/${app.id}/aln1`,
  logoUrl: `${sim.url()}/img/logos/default.png`,
  appName: app.name,
  appInstanceId: app.id,
  appAssignmentId: `0ua${app.id.slice(3, 10)}${user.id.slice(3, 11)}h7`,
  credentialsSetup: false,
  hidden: false,
  sortOrder,
});
