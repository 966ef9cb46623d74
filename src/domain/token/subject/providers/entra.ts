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

const GUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** Entra's issuer hosts for tokens of version 1.0 and 2.0, in the global and the national clouds. */
const HOSTS = {
  v1: new Set(['sts.windows.net', 'sts.chinacloudapi.cn']),
  v2: new Set(['login.microsoftonline.com', 'login.microsoftonline.us', 'login.partner.microsoftonline.cn']),
};

/** Whether this is a host from which Microsoft Entra ID issues tokens. */
export const isEntraHost = (hostname: string): boolean => HOSTS.v1.has(hostname) || HOSTS.v2.has(hostname);

/**
 * Whether the issuer is that of the directory `tenantId`: `https://sts.windows.net/<id>/` or
 * `https://login.microsoftonline.com/<id>/v2.0`.
 */
function isIssuerOf(issuer: string, tenantId: string, loopback: boolean): boolean {
  const { hostname, pathname } = new URL(issuer);
  const own = loopback && isLoopback(issuer);
  return (
    ((own || HOSTS.v1.has(hostname)) && pathname === `/${tenantId}/`) ||
    ((own || HOSTS.v2.has(hostname)) && pathname === `/${tenantId}/v2.0`)
  );
}

/**
 * Access tokens of Microsoft Entra ID, version 1.0 and 2.0 (Microsoft's "Access token claims reference").
 * The person is `oid` within `tid`, `scp` is one string, the client is `azp` (2.0) or `appid` (1.0). A token
 * of an application without a person (`idtyp` `app`, or no `scp`) is refused.
 */
export const entra: Vendor = {
  title: 'Entra',
  algorithms: ['RS256'],
  idClaim: 'oid',
  section: z.strictObject({
    issuer: z
      .string()
      .max(500)
      .describe(
        'https://login.microsoftonline.com/<tenant_id>/v2.0 or https://sts.windows.net/<tenant_id>/.',
      ),
    audience: z.string().min(1).max(500).describe('Application ID, or its api:// URI.'),
    tenant_id: z
      .string()
      .regex(GUID, 'must be the directory (tenant) ID: a GUID in lowercase')
      .describe('Directory (tenant) ID.'),
    client_ids: clientIds(GUID, 'must be application (client) IDs: GUIDs in lowercase')
      .optional()
      .describe('Applications (azp or appid) whose tokens are accepted. Default: all.'),
    portal_clients: clientIds(GUID, 'must be application (client) IDs: GUIDs in lowercase')
      .optional()
      .describe(PORTAL_CLIENTS),
  }),
  fault: (section, options) =>
    issuerFault(section.issuer, options) ??
    (isIssuerOf(section.issuer, section.tenant_id ?? '', options.loopback)
      ? null
      : {
          field: 'issuer',
          problem:
            'must be https://login.microsoftonline.com/<tenant_id>/v2.0 (version 2.0 tokens) or https://sts.windows.net/<tenant_id>/ (version 1.0 tokens), with the same tenant_id; never common or organizations.',
        }),
  toRow: (section) => ({
    issuer: section.issuer,
    audience: section.audience ?? '',
    config: { tenantId: section.tenant_id, ...clientConfig(section) },
  }),
  toSection: (row) => ({
    issuer: row.issuer,
    audience: row.audience,
    tenant_id: String(row.config['tenantId']),
    ...clientSection(row),
  }),
  provider: () => 'entra',
  checkType: (claims, { config }) => {
    refuseOtherTokens(claims);
    const { tid, idtyp, scp, azp, appid } = claims;
    if (tid !== config['tenantId'])
      throw refuse('tenant', 'The token is from a different directory (tid) than the configured one.');
    const client = azp ?? appid;
    if (idtyp === 'app' || (scp === undefined && 'roles' in claims))
      throw refuse('no_person', 'The token is for an application, not a person. Sign the employee in.');
    if (typeof client !== 'string' || client === '' || typeof scp !== 'string')
      throw notAnAccessToken('This is not an Entra access token: it has no azp or appid, or no scp.');
    return client;
  },
  checkAudience: (claims, { audience }) => requireAudience(claims, audience),
  checkClient: (client, { config }) => requireClient(client, config['clientIds']),
  readUid: ({ oid }) => {
    const uid = requireUid(oid, 'oid');
    if (!GUID.test(uid))
      throw refuse('no_person', 'The oid of the token is not a GUID, so it does not identify a person.');
    return uid;
  },
  readScopes: ({ scp }) => (typeof scp === 'string' ? splitScopes(scp) : []),
  readGroups: ({ groups }) => (isStrings(groups) ? groups : []),
};
