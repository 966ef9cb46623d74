import { z } from 'zod';
import { sha256 } from '#lib/crypto.ts';
import { isCognitoHost } from './cognito.ts';
import { isEntraHost } from './entra.ts';
import { isOktaHost } from './okta.ts';
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
  splitScopes,
  type Vendor,
  PORTAL_CLIENTS,
} from './vendor.ts';

/**
 * Stands for a generic issuer in canonical subjects: the first 16 hexadecimal digits of the SHA-256 of its
 * identifier.
 */
export const issuerHash = (issuer: string): string => sha256(issuer).slice(0, 16);

const OWN_SECTION = [
  { is: isOktaHost, section: 'okta' },
  { is: isEntraHost, section: 'entra' },
  { is: isCognitoHost, section: 'cognito' },
] as const;

/**
 * JWT access tokens of any OpenID Connect provider (RFC 9068, with its `scope` or the widespread `scp`).
 * `aud` must be exactly ours, the client is `client_id` or `azp`, the person is `sub` of that issuer. A
 * provider that has its own section is not accepted as a generic one: its `sub` may be reassigned, or may
 * need a check that is not made here.
 */
export const oidc: Vendor = {
  title: 'OpenID Connect',
  algorithms: ['RS256', 'ES256'],
  idClaim: 'sub',
  section: z.strictObject({
    issuer: z.string().max(500).describe('Issuer identifier, exactly as in the discovery document.'),
    audience: z.string().min(1).max(500).describe('Expected aud of its access tokens.'),
    client_ids: clientIds(/^[\x21-\x7e]{1,255}$/, 'must be client IDs')
      .optional()
      .describe('Clients (client_id or azp) whose tokens are accepted. Default: all.'),
    portal_clients: clientIds(/^[\x21-\x7e]{1,255}$/, 'must be client IDs')
      .optional()
      .describe(PORTAL_CLIENTS),
  }),
  fault: (section, options) => {
    const wrong = issuerFault(section.issuer, options);
    if (wrong !== null) return wrong;
    const { hostname } = new URL(section.issuer);
    const own = OWN_SECTION.find(({ is }) => is(hostname));
    return own === undefined
      ? null
      : {
          field: 'issuer',
          problem: `is already configured under ${own.section}; it cannot also be a generic provider.`,
        };
  },
  toRow: (section) => ({
    issuer: section.issuer,
    audience: section.audience ?? '',
    config: clientConfig(section),
  }),
  toSection: (row) => ({ issuer: row.issuer, audience: row.audience, ...clientSection(row) }),
  provider: issuerHash,
  checkType: (claims) => {
    refuseOtherTokens(claims);
    const { client_id: clientId, azp, scope, scp } = claims;
    const client = clientId ?? azp;
    const scoped = typeof scope === 'string' || typeof scp === 'string' || isStrings(scp);
    if (typeof client !== 'string' || client === '' || !scoped)
      throw notAnAccessToken('This is not an access token: it has no client_id or azp, or no scope.');
    return client;
  },
  checkAudience: (claims, { audience }) => requireAudience(claims, audience),
  checkClient: (client, { config }) => requireClient(client, config['clientIds']),
  readUid: (claims) => {
    const uid = requireUid(claims['sub'], 'sub');
    // RFC 9068 section 2.2: in a token of client credentials, `sub` is the client itself.
    if (uid === claims['client_id'] || uid === claims['azp']) return requireUid(undefined, 'sub of a person');
    return uid;
  },
  readScopes: ({ scope, scp }) => {
    if (isStrings(scp)) return scp;
    const text = typeof scp === 'string' ? scp : scope;
    return typeof text === 'string' ? splitScopes(text) : [];
  },
  readGroups: ({ groups }) => (isStrings(groups) ? groups : []),
};
