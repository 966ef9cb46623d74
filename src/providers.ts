import type { ProviderLink } from '#domain/provider.ts';
import { oktaConnection, replaceCredential } from '#domain/tenant/connection.ts';
import type { App } from '#engine/app.ts';
import type { SetUp } from '#engine/set-up.ts';
import { readonly, transact } from '#engine/transact.ts';
import { connectOkta, type OktaCredential } from '#idp/okta/index.ts';
import { sha256 } from '#lib/crypto.ts';
import { Fault } from '#lib/fault.ts';
import { canonicalJson } from '#lib/json.ts';
import type { OktaConfig } from './config.ts';

/** Links to the tenants' Okta organisations, one for each, made when first needed. */
export interface ProviderLinks {
  of(tenantId: string): Promise<ProviderLink>;
  /** What a new tenant is set up with: the Okta of this installation's settings. */
  readonly setUp: SetUp['okta'];
  close(): Promise<void>;
}

type Parts = Pick<App, 'database' | 'queue' | 'now' | 'secrets' | 'subscribers' | 'log'>;

/**
 * Opens links with the credential that stands sealed in the tenant's connection, and first brings that row up to the settings
 * with which this process was started. Fault `unavailable` where the tenant has no connection.
 */
export function providerLinks(app: Parts, okta: OktaConfig): ProviderLinks {
  const links = new Map<string, Promise<ProviderLink>>();
  const credential = okta.credential as unknown as Readonly<Record<string, unknown>>;
  const connect = (orgUrl: string, secret: Readonly<Record<string, unknown>>) =>
    connectOkta({ orgUrl, credential: secret as unknown as OktaCredential, log: app.log });

  async function open(tenantId: string): Promise<ProviderLink> {
    const saved = await readonly(app, tenantId, (reader) => oktaConnection(reader, app.secrets));
    if (saved === null)
      throw new Fault('unavailable', 'No identity provider is connected. An administrator must set one up.');
    const changed =
      sha256(canonicalJson({ url: saved.orgUrl, ...saved.credential })) !==
      sha256(canonicalJson({ url: okta.orgUrl, ...credential }));
    if (changed)
      await transact(app, tenantId, (ctx) =>
        replaceCredential(ctx, app.secrets, saved, okta.orgUrl, credential),
      );
    return connect(okta.orgUrl, credential);
  }

  return {
    of: (tenantId) => {
      const known = links.get(tenantId);
      if (known !== undefined) return known;
      const link = open(tenantId);
      links.set(tenantId, link);
      // What could not be opened is tried again by the next call.
      link.catch(() => links.delete(tenantId));
      return link;
    },
    setUp: {
      orgUrl: okta.orgUrl,
      credential,
      issuer: okta.issuer,
      audience: okta.audience,
      connect: () => connect(okta.orgUrl, credential),
    },
    close: async () => {
      for (const link of links.values()) await link.then((open) => open.close()).catch(() => {});
    },
  };
}
