import type { ProviderLink } from '#domain/provider.ts';
import { oktaConnection, replaceCredential } from '#domain/tenant/connection.ts';
import type { App } from '#engine/app.ts';
import type { SetUp } from '#engine/set-up.ts';
import { readonly, transact } from '#engine/transact.ts';
import { connectOkta, type OktaCredential } from '#idp/okta/index.ts';
import { Fault } from '#lib/fault.ts';
import type { OktaConfig } from './config.ts';

/** Links to the tenants' Okta organisations, one for each, opened when first needed. */
export interface ProviderLinks {
  /** The link of a tenant. Fault `unavailable` if it has no connection. */
  of(tenantId: string): Promise<ProviderLink>;
  /** The Okta of this installation's settings, for a new tenant. */
  readonly setUp: SetUp['okta'];
  /** Closes all open links. */
  close(): Promise<void>;
}

type Parts = Pick<App, 'database' | 'queue' | 'now' | 'secrets' | 'subscribers' | 'log'>;

/**
 * Opens links with the address and credential of the tenant's own connection. Only the connection that was
 * created from this installation's settings follows them: its row is updated first, to the settings with
 * which this process started.
 */
export function providerLinks(app: Parts, okta: OktaConfig): ProviderLinks {
  const links = new Map<string, Promise<ProviderLink>>();
  const credential = { ...okta.credential } as Readonly<Record<string, unknown>>;
  const connect = (orgUrl: string, secret: Readonly<Record<string, unknown>>) =>
    connectOkta({
      orgUrl,
      credential: secret as Readonly<Record<string, unknown>> & OktaCredential,
      log: app.log,
    });

  async function open(tenantId: string): Promise<ProviderLink> {
    const saved = await readonly(app, tenantId, (reader) => oktaConnection(reader, app.secrets));
    if (saved === null)
      throw new Fault('unavailable', 'No identity provider is connected. An administrator must set one up.');
    if (!saved.fromSettings) return connect(saved.orgUrl, saved.credential);
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
      // A link that could not be opened is tried again by the next call.
      link.catch(() => links.delete(tenantId));
      return link;
    },
    setUp: {
      orgUrl: okta.orgUrl,
      credential,
      fromSettings: true,
      issuer: okta.issuer,
      audience: okta.audience,
      connect: () => connect(okta.orgUrl, credential),
    },
    close: async () => {
      for (const link of links.values()) await link.then((open) => open.close()).catch(() => {});
    },
  };
}
