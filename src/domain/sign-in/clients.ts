import { and, asc, eq, gt, isNull, or, sql } from 'drizzle-orm';
import { alias } from 'drizzle-orm/pg-core';
import { waitingCallsOn } from '../call/store.ts';
import { withdrawCalls } from '../call/withdraw.ts';
import type { TenantReader, TenantWriter } from '../context.ts';
import type { Person } from '../person/store.ts';
import { oidcModels } from '../token/tables.ts';
import { clientName } from './client-name.ts';
import { endGrants } from './store.ts';

/** A client that may act for a person, with all of the person's grants to it that have not ended. */
export interface AllowedClient {
  /** The address of its metadata document, or the id under which it is registered. */
  readonly clientId: string;
  /**
   * The name that a registered client gave itself; nobody has checked it. Null for a client with a
   * metadata document.
   */
  readonly name: string | null;
  readonly scopes: readonly string[];
  readonly since: Date;
  /** When the last of the grants ends. Null: at least one does not end. */
  readonly until: Date | null;
}

interface GrantPayload {
  readonly iat?: number;
  readonly resources?: Readonly<Record<string, string>>;
}

const subjectOf = (person: Pick<Person, 'provider' | 'uid'>): string =>
  `oidc:${person.provider}:${person.uid}`;

/** The clients that may act for a person now, oldest first. */
export async function clientsOf(
  reader: TenantReader,
  person: Pick<Person, 'provider' | 'uid'>,
): Promise<AllowedClient[]> {
  const clients = new Map<string, AllowedClient>();
  for (const { clientId, name, payload, expiresAt } of await grantsOf(reader, person)) {
    const { iat = 0, resources = {} } = payload as GrantPayload;
    const before = clients.get(clientId);
    const scopes = Object.values(resources).flatMap((text) => text.split(' '));
    const ends = [before?.until, expiresAt].filter((end) => end !== undefined);
    clients.set(clientId, {
      clientId,
      name: clientName(name ?? '') || null,
      scopes: [...new Set([...(before?.scopes ?? []), ...scopes])].sort(),
      since: before?.since ?? new Date(iat * 1000),
      until: ends.includes(null) ? null : new Date(Math.max(...ends.map((end) => end?.getTime() ?? 0))),
    });
  }
  return [...clients.values()];
}

/**
 * Revokes a person's grants to a client, or to every client if `clientId` is null. Its codes, refresh
 * tokens and access tokens end too, and calls through it that wait for an approval are withdrawn.
 * Returns the ids of the clients that it ended; empty if there were none.
 */
export async function revokeClients(
  ctx: TenantWriter,
  person: Person,
  clientId: string | null,
  ending: { actor: string },
): Promise<string[]> {
  const grants = (await grantsOf(ctx, person)).filter(
    (grant) => (clientId ?? grant.clientId) === grant.clientId,
  );
  const ended = [...new Set(grants.map((grant) => grant.clientId))];
  if (ended.length === 0) return [];
  await endGrants(
    ctx,
    grants.map((grant) => grant.id),
  );
  const waiting = (await waitingCallsOn(ctx, { personId: person.id })).filter(
    ({ actor }) => actor.kind === 'person' && ended.includes(actor.through?.clientId ?? ''),
  );
  await withdrawCalls(ctx, waiting, {
    ...ending,
    reason: 'The client that made the request can no longer act for the person',
  });
  ctx.record({
    event: 'client_revoked',
    actor: ending.actor,
    data: { person: person.id, subject: subjectOf(person), clients: ended },
  });
  return ended;
}

async function grantsOf(reader: TenantReader, person: Pick<Person, 'provider' | 'uid'>) {
  const registered = alias(oidcModels, 'registered');
  const clientId = sql<string>`${oidcModels.payload}->>'clientId'`;
  return reader.db
    .select({
      id: oidcModels.id,
      clientId,
      name: sql<string | null>`${registered.payload}->>'client_name'`,
      payload: oidcModels.payload,
      expiresAt: oidcModels.expiresAt,
    })
    .from(oidcModels)
    .leftJoin(
      registered,
      and(
        eq(registered.tenantId, oidcModels.tenantId),
        eq(registered.kind, 'Client'),
        eq(registered.id, clientId),
      ),
    )
    .where(
      and(
        eq(oidcModels.tenantId, reader.tenantId),
        eq(oidcModels.kind, 'Grant'),
        eq(oidcModels.accountId, subjectOf(person)),
        or(isNull(oidcModels.expiresAt), gt(oidcModels.expiresAt, reader.now)),
      ),
    )
    .orderBy(asc(sql`(${oidcModels.payload}->>'iat')::bigint`), asc(oidcModels.id));
}
