import { z } from 'zod';
import {
  clientConfig,
  clientIds,
  clientSection,
  isStrings,
  issuerFault,
  notAnAccessToken,
  refuseOtherTokens,
  requireAudience,
  requireClient,
  requireUid,
  type Vendor,
  PORTAL_CLIENTS,
} from './vendor.ts';

const HOSTS = /(?:^|\.)(?:okta\.com|oktapreview\.com|okta-emea\.com|okta-gov\.com|okta\.mil|trexcloud\.com)$/;

/**
 * Whether this is one of Okta's own domains. An organisation may also use a custom domain, which is not
 * recognised here.
 */
export const isOktaHost = (hostname: string): boolean => HOSTS.test(hostname);

/**
 * Whether the issuer is Okta's org authorization server. Only Okta can verify its tokens. A custom
 * authorization server has `/oauth2/<server id>` in its issuer.
 */
export const isOrgServer = (issuer: string): boolean => !CUSTOM_SERVER.test(issuer) && URL.canParse(issuer);

const CUSTOM_SERVER = /^[a-z]+:\/\/[^/?#]+\/oauth2\/[^/?#]+(?:[?#]|$)/i;

/**
 * Access tokens of an Okta custom authorization server. Claims `uid`, `cid`, `scp` (a list) and `groups` as
 * in Okta's "Access token payload" reference. `sub` is the login, which can be reassigned, so it is never
 * read.
 */
export const okta: Vendor = {
  title: 'Okta',
  algorithms: ['RS256'],
  idClaim: 'uid',
  section: z.strictObject({
    issuer: z.string().max(500).describe('https://your-org.okta.com/oauth2/<server id>.'),
    audience: z.string().min(1).max(500).describe('Audience of that authorization server.'),
    client_ids: clientIds(/^[\w-]{1,100}$/, 'must be client IDs of Okta applications')
      .optional()
      .describe('Applications (cid) whose tokens are accepted. Default: all.'),
    portal_clients: clientIds(/^[\w-]{1,100}$/, 'must be client IDs of Okta applications')
      .optional()
      .describe(PORTAL_CLIENTS),
  }),
  fault: (section, options) =>
    issuerFault(section.issuer, options) ??
    (isOrgServer(section.issuer)
      ? {
          field: 'issuer',
          problem:
            "is Okta's org authorization server, and only Okta can verify its tokens. Use a custom one: its issuer ends in /oauth2/<server id>.",
        }
      : null),
  toRow: (section) => ({
    issuer: section.issuer,
    audience: section.audience ?? '',
    config: clientConfig(section),
  }),
  toSection: (row) => ({ issuer: row.issuer, audience: row.audience, ...clientSection(row) }),
  provider: () => 'okta',
  fallbackJwksUri: (issuer) => `${issuer}/v1/keys`,
  checkType: (claims) => {
    refuseOtherTokens(claims);
    const { cid, scp } = claims;
    if (typeof cid !== 'string' || cid === '' || !isStrings(scp))
      throw notAnAccessToken('This is not an Okta access token: it has no cid or no scp.');
    return cid;
  },
  checkAudience: (claims, { audience }) => requireAudience(claims, audience),
  checkClient: (client, { config }) => requireClient(client, config['clientIds']),
  readUid: (claims) => requireUid(claims['uid'], 'uid'),
  readScopes: ({ scp }) => (isStrings(scp) ? scp : []),
  readGroups: ({ groups }) => (isStrings(groups) ? groups : []),
};
