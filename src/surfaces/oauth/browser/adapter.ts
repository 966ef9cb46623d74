import { errors, type Adapter, type AdapterPayload } from 'oidc-provider';
import type { TenantWriter } from '#domain/context.ts';
import { standingOf } from '#domain/person/standing.ts';
import { findPersonByUid } from '#domain/person/store.ts';
import {
  addSignInRow,
  boundStrangers,
  consumeSignInRow,
  deleteSignInRow,
  endGrant,
  findSignInRow,
  findSignInRowByUid,
  keepRegistration,
  roomForClient,
  saveSignInRow,
  type SignInRow,
} from '#domain/sign-in/store.ts';
import { partsOfSubject } from '#domain/token/issued/client-token.ts';
import type { App } from '#engine/app.ts';
import { readonly, transact } from '#engine/transact.ts';
import { sha256 } from '#lib/crypto.ts';
import {
  alreadyUsed,
  findRefreshToken,
  rotatedHere,
  rotateRefreshToken,
  type RefreshKeeper,
} from './refresh.ts';

/** What the storage works with. */
export type AdapterParts = Pick<App, 'database' | 'queue' | 'now' | 'subscribers' | 'secrets'>;

// Kinds whose id alone would let a thief in. They are stored as a digest (law 12).
const BEARERS = new Set([
  'AuthorizationCode',
  'RefreshToken',
  'Session',
  'PushedAuthorizationRequest',
  'RegistrationAccessToken',
  'InitialAccessToken',
]);
// Kinds that let a person in. None is saved for a person who is leaving or is frozen (law 2).
const PERSONAL = new Set(['AuthorizationCode', 'RefreshToken', 'Session', 'Grant']);

// Kinds that anybody can create (RFC 7591) and that have no expiry of their own.
const REGISTRATION = new Set(['Client', 'RegistrationAccessToken']);
// How long a client stays registered without anybody's consent.
const REGISTERED_SECONDS = 24 * 3600;

// Kinds that anybody's request creates before somebody signs in.
const STRANGERS = new Set(['Interaction', 'PushedAuthorizationRequest', 'Session']);
// Finding the surplus costs as much as the limit is large, so it is done once per this many rows.
const BOUND_EVERY = 50;

const sealedAs = (kind: string): string => `sign-in:${kind}`;

/**
 * The storage of `oidc-provider` for one tenant.
 *
 * Consuming is atomic: of concurrent redemptions of one code one succeeds, and the others end the whole grant
 * (RFC 6749 section 4.1.2). Refresh tokens have a grace period (refresh.ts). The `jti` of a client assertion
 * or DPoP proof is used up in the same way.
 *
 * What lets a person in is saved only while they are in good standing, and they are locked against a
 * departure until the commit. A client that registered itself is deleted after a day unless somebody consents
 * to it. The number of such clients is limited, and so is what strangers begin, of which the oldest is
 * deleted. Codes, refresh tokens and session ids are stored as digests.
 */
export function adapterFor(parts: AdapterParts, tenantId: string): (kind: string) => Adapter {
  return (kind) => {
    let saved = 0;
    const key = (id: string): string => (BEARERS.has(kind) ? sha256(`${kind} ${id}`) : id);
    const read = <T>(work: Parameters<typeof readonly<T>>[2]) => readonly(parts, tenantId, work);
    const write = <T>(work: (ctx: TenantWriter) => Promise<T>) => transact(parts, tenantId, work);

    const keeper: RefreshKeeper = {
      key,
      seal: (value) => parts.secrets.seal(value, sealedAs(kind)),
      unseal: (sealed) => parts.secrets.unseal(sealed, sealedAs(kind)),
    };

    const toRow = (id: string, payload: AdapterPayload): Record<string, unknown> => {
      const { jti, ...rest } = payload;
      // An interaction does not need the browser's session id, which would be stored in clear.
      if (kind === 'Interaction' && rest.session !== undefined) delete rest.session.cookie;
      return BEARERS.has(kind) ? { ...rest, sealed: keeper.seal(jti ?? id) } : payload;
    };
    const fromRow = (row: SignInRow | null): AdapterPayload | undefined => {
      if (row === null) return undefined;
      const { sealed, successor: _, ...rest } = row.payload;
      const payload = rest as AdapterPayload;
      if (typeof sealed === 'string') payload.jti = keeper.unseal(sealed);
      if (row.consumedAt !== null) payload.consumed = Math.floor(row.consumedAt.getTime() / 1000);
      return payload;
    };

    return {
      upsert: async (id, payload, expiresIn) => {
        const spent = kind === 'RefreshToken' ? rotatedHere() : undefined;
        const stands = await write(async (ctx) => {
          if (PERSONAL.has(kind) && payload.accountId !== undefined) await mustStand(ctx, payload.accountId);
          const seconds = expiresIn ?? (REGISTRATION.has(kind) ? REGISTERED_SECONDS : null);
          const expiresAt = seconds === null ? null : new Date(ctx.now.getTime() + seconds * 1000);
          const row = { kind, id: key(id), payload: toRow(id, payload), expiresAt };
          if (kind === 'Client' && !(await roomForClient(ctx)))
            throw new errors.TemporarilyUnavailable(
              'too many clients have registered here. Try again tomorrow',
            );
          if (kind === 'Grant' && typeof payload.clientId === 'string' && expiresAt !== null)
            await keepRegistration(ctx, payload.clientId, expiresAt);
          if (STRANGERS.has(kind) && saved++ % BOUND_EVERY === 0) await boundStrangers(ctx, kind);
          if (spent !== undefined) return rotateRefreshToken(ctx, keeper, spent, id, row);
          if (kind !== 'ReplayDetection') await saveSignInRow(ctx, row);
          else if (!(await addSignInRow(ctx, row)))
            throw new errors.InvalidClientAuth('a client assertion or DPoP proof must only be used once');
          return true;
        });
        if (!stands) throw alreadyUsed();
      },
      find: async (id) =>
        fromRow(
          await read((reader) =>
            kind === 'RefreshToken'
              ? findRefreshToken(reader, keeper, id)
              : findSignInRow(reader, kind, key(id)),
          ),
        ),
      findByUid: async (uid) => fromRow(await read((reader) => findSignInRowByUid(reader, kind, uid))),
      findByUserCode: () => Promise.resolve(undefined),
      consume: async (id) => {
        // It is consumed when its successor is saved, in the same transaction.
        if (kind === 'RefreshToken') return;
        const first = await write(async (ctx) => {
          if (await consumeSignInRow(ctx, kind, key(id))) return true;
          const row = await findSignInRow(ctx, kind, key(id));
          const grantId = row?.payload['grantId'];
          if (typeof grantId === 'string') await endGrant(ctx, grantId);
          return false;
        });
        if (first) return;
        if (kind === 'PushedAuthorizationRequest')
          throw new errors.InvalidRequestUri('request_uri was already used');
        throw alreadyUsed();
      },
      destroy: async (id) => {
        await write((ctx) => deleteSignInRow(ctx, kind, key(id)));
      },
      revokeByGrantId: async (grantId) => {
        await write((ctx) => endGrant(ctx, grantId));
      },
    };
  };
}

async function mustStand(ctx: TenantWriter, subject: string): Promise<void> {
  const who = partsOfSubject(subject);
  const person = who === null ? null : await findPersonByUid(ctx, who.provider, who.uid, 'share');
  if (person === null || standingOf(person) !== null || person.delegationFrozenBy !== null)
    throw new errors.InvalidGrant('the person cannot be signed in now');
}
