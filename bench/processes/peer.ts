import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair } from 'jose';
import postgres from 'postgres';
import { appendAlone } from '#domain/ledger/store.ts';
import { LIST_PLACES } from '#domain/mandate/status-place.ts';
import { cpuMicros, serveParent } from '../harness/channel.ts';
import { readMandate } from '../peer/mandate.ts';
import { createPeer } from '../peer/provider.ts';

/** What the peer must know to accept the same requests as ours. */
export interface PeerSettings {
  readonly databaseUrl: string;
  readonly tenantId: string;
  readonly issuer: string;
  readonly audience: string;
  readonly client: { readonly id: string; readonly secret: string };
  readonly idp: { readonly issuer: string; readonly jwksUri: string; readonly audience: string };
}

/** The methods of the peer. */
export type PeerMethods = {
  /** Serves the exchange as a grant of `oidc-provider`. Returns its origin. */
  start: (settings: PeerSettings) => Promise<string>;
  cpu: (nothing: null) => number;
};

let close = async (): Promise<void> => {};

const start: PeerMethods['start'] = async (settings) => {
  // As the owner, without a transaction or row-level security: the cheapest way to read. It writes the ledger
  // entry as ours does, but alone.
  const sql = postgres(settings.databaseUrl, { max: 10, onnotice: () => {} });
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  const answer = createPeer({
    ...settings,
    audiences: [settings.audience],
    listPlaces: LIST_PLACES,
    signingKey: { ...(await exportJWK(privateKey)), kid: 'peer' },
    read: (mandateId) => readMandate(sql, settings.tenantId, mandateId),
    record: async (claims) => {
      const entry = { event: 'TOKEN_ISSUED' as const, actor: settings.client.id, data: claims };
      await appendAlone(sql, settings.tenantId, new Date(), [{ entry, once: [] }]);
    },
  }).callback();
  const server = createServer((incoming, outgoing) => void answer(incoming, outgoing));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  close = async () => {
    server.close();
    server.closeAllConnections();
    await sql.end({ timeout: 5 });
  };
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};

serveParent({ start, cpu: cpuMicros } satisfies PeerMethods, () => close());
