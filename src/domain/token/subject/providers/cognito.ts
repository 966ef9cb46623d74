import { z } from 'zod';
import { isLoopback } from '#lib/url.ts';
import {
  clientConfig,
  clientIds,
  clientSection,
  isStrings,
  issuerFault,
  notAnAccessToken,
  refuse,
  refuseOtherTokens,
  requireAudience,
  requireClient,
  requireUid,
  splitScopes,
  type Vendor,
  PORTAL_CLIENTS,
} from './vendor.ts';

const HOST = /^cognito-idp\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?$/;

/** Whether this is a host of Amazon Cognito. */
export const isCognitoHost = (hostname: string): boolean => HOST.test(hostname);

/**
 * Whether the issuer is `https://cognito-idp.<region>.amazonaws.com/<region>_<id>` with the same region
 * twice.
 */
function isPool(issuer: string, loopback: boolean): boolean {
  const { hostname, pathname } = new URL(issuer);
  const region = HOST.exec(hostname)?.[1];
  const pool = /^\/([a-z0-9-]+)_[A-Za-z0-9]+$/.exec(pathname);
  return pool !== null && (pool[1] === region || (loopback && isLoopback(issuer)));
}

/**
 * Access tokens of an Amazon Cognito user pool (AWS, "Understanding the access token"). `token_use` must be
 * `access`. There is an `aud` only if the client asked for a resource, so the app client (`client_id`) must
 * be in the list. The person is `sub`, an id of the pool. A custom scope is written
 * `<resource server>/<scope>`: the prefix of the configured resource server is removed, other scopes stay
 * as they are.
 */
export const cognito: Vendor = {
  title: 'Cognito',
  algorithms: ['RS256'],
  idClaim: 'sub',
  section: z.strictObject({
    issuer: z.string().max(500).describe('https://cognito-idp.<region>.amazonaws.com/<user pool id>.'),
    client_ids: clientIds(/^[\w+]{1,128}$/, 'must be IDs of app clients').describe(
      'App clients whose tokens are accepted.',
    ),
    resource_server: z
      .string()
      .min(1)
      .max(256)
      .optional()
      .describe('Identifier of the resource server that defines the delegation scopes.'),
    portal_clients: clientIds(/^[\w+]{1,128}$/, 'must be IDs of app clients')
      .optional()
      .describe(PORTAL_CLIENTS),
  }),
  fault: (section, options) =>
    issuerFault(section.issuer, options) ??
    (isPool(section.issuer, options.loopback)
      ? null
      : {
          field: 'issuer',
          problem: 'must be https://cognito-idp.<region>.amazonaws.com/<user pool id>.',
        }),
  toRow: (section) => ({
    issuer: section.issuer,
    audience: section.resource_server ?? '',
    config: clientConfig(section),
  }),
  toSection: (row) => ({
    issuer: row.issuer,
    ...clientSection(row),
    ...(row.audience === '' ? {} : { resource_server: row.audience }),
  }),
  provider: () => 'cognito',
  checkType: (claims) => {
    refuseOtherTokens(claims);
    const { token_use: use, client_id: client, scope } = claims;
    if (use !== 'access')
      throw notAnAccessToken('This is not a Cognito access token: it has another token_use.');
    if (typeof client !== 'string' || client === '' || typeof scope !== 'string')
      throw notAnAccessToken('This is not a Cognito access token: it has no client_id or no scope.');
    // A token of client credentials has the app client as its subject and no username.
    if (claims['sub'] === client || typeof claims['username'] !== 'string')
      throw refuse(
        'no_person',
        'The token has no username, so it does not identify a person. Client credentials tokens cannot delegate.',
      );
    return client;
  },
  checkAudience: (claims, { audience }) => {
    if ('aud' in claims) requireAudience(claims, audience);
  },
  // The list of clients takes the place of the missing audience. Without a list, no client is accepted.
  checkClient: (client, { config }) => requireClient(client, config['clientIds'] ?? []),
  readUid: ({ sub }) => requireUid(sub, 'sub'),
  readScopes: ({ scope }, { audience }) =>
    splitScopes(typeof scope === 'string' ? scope : '').map((one) =>
      audience !== '' && one.startsWith(`${audience}/`) ? one.slice(audience.length + 1) : one,
    ),
  readGroups: (claims) => (isStrings(claims['cognito:groups']) ? claims['cognito:groups'] : []),
};
