import type { Sql } from 'postgres';
import { reachInTime } from '#db/reach.ts';
import { Fault } from '#lib/fault.ts';
import { gather } from '#lib/gather.ts';
import { isNumericDate } from '#lib/jwt.ts';
import { delegationFrozen, standingOf } from '../../person/standing.ts';
import type { PersonStatus } from '../../provider.ts';
import { parseScope } from '../grant/scope.ts';

/**
 * A person with everything that their sign-ins depend on, as the SQL function `hot_person` reads it in one
 * statement.
 */
export interface HotPerson {
  readonly uid: string;
  readonly person_id: string;
  readonly display_name: string;
  readonly email: string;
  readonly person_status: PersonStatus;
  readonly scim_active: boolean | null;
  readonly held: boolean;
  /** Whether the kill switch freezes what the person delegates. */
  readonly delegation_frozen: boolean;
  readonly person_epoch: number;
  readonly tenant_status: 'active' | 'frozen';
  readonly tenant_epoch: number;
  /** Whether the grant that was asked about exists. */
  readonly granted: boolean;
  /** Whether the `jti` that was asked about has been revoked. */
  readonly denied: boolean;
}

/** The person to read, and the grant and `jti` of their token if one is checked. */
export interface AskedPerson {
  readonly provider: string;
  readonly uid: string;
  readonly grantId?: string;
  readonly jti?: string;
}

/**
 * The claims of an access token that a person's own client holds (RFC 9068 section 2.2). Other claims are
 * kept but not read.
 */
export interface ClientClaims extends Readonly<Record<string, unknown>> {
  readonly iss: string;
  readonly sub: string;
  readonly aud: string;
  readonly client_id: string;
  readonly iat: number;
  readonly exp: number;
  readonly jti: string;
  /** Absent if the person granted no scope. Such a client can do only what every client can. */
  readonly scope?: string;
  readonly grant_id: string;
  /** The epochs of the tenant and the person. */
  readonly epoch: readonly number[];
}

/** An access token of a person's own client. Its signature and claims are valid, and it is in force now. */
export interface VerifiedClient {
  readonly kind: 'client';
  readonly tenantId: string;
  readonly clientId: string;
  readonly personId: string;
  /** For example `oidc:okta:<uid>`. */
  readonly subject: string;
  readonly scopes: readonly string[];
  readonly audience: string;
  readonly jti: string;
  readonly expiresAt: Date;
}

const refuse = (reason: string, message: string): Fault =>
  new Fault('unauthenticated', message, { detail: { reason } });

/**
 * Creates a reader of people as they are now. Reads that are started together become one query per tenant
 * (`lib/gather.ts`). Null: the tenant has no such person. Fault `unavailable` if the database cannot be
 * reached.
 */
export function createPersonReader(
  sql: Sql,
): (tenantId: string, asked: AskedPerson) => Promise<HotPerson | null> {
  return gather<AskedPerson, HotPerson | null>(async (tenantId, asked) => {
    const found: (HotPerson | null)[] = asked.map(() => null);
    for (const provider of new Set(asked.map((one) => one.provider))) {
      const places = asked.flatMap((one, index) => (one.provider === provider ? [index] : []));
      const column = (member: 'uid' | 'grantId' | 'jti') =>
        places.map((index) => asked[index]?.[member] ?? '');
      const rows = await reachInTime(
        sql<
          (HotPerson & { asked: number })[]
        >`select * from hot_person(${tenantId}, ${provider}, ${column('uid')}, ${column('grantId')}, ${column('jti')}) where primary_only()`.then(
          (all) => [...all],
        ),
      );
      for (const row of rows) found[places[row.asked - 1] ?? -1] = row;
    }
    return found;
  });
}

/** Provider and uid of a canonical subject (`oidc:<provider>:<uid>`), or null for any other text. */
export function partsOfSubject(subject: string): { provider: string; uid: string } | null {
  const match = /^oidc:([a-z0-9-]{1,64}):([\x21-\x7e]{1,255})$/.exec(subject);
  return match === null ? null : { provider: match[1] ?? '', uid: match[2] ?? '' };
}

/** Whether these are the claims of a client's token: all present and of the right types. Checks no values. */
export function isClientClaims(claims: Readonly<Record<string, unknown>>): claims is ClientClaims {
  const texts = ['iss', 'sub', 'aud', 'client_id', 'jti', 'grant_id'];
  const epoch = claims['epoch'];
  return (
    claims['mandate_id'] === undefined &&
    texts.every((name) => typeof claims[name] === 'string') &&
    (claims['scope'] === undefined || typeof claims['scope'] === 'string') &&
    isNumericDate(claims['iat']) &&
    isNumericDate(claims['exp']) &&
    Array.isArray(epoch) &&
    epoch.length === 2 &&
    epoch.every((one) => Number.isSafeInteger(one))
  );
}

/** Why no client may act for the person now, in words for the public; null if clients may. */
export function personStanding(row: HotPerson): { code: string; message: string } | null {
  if (row.tenant_status !== 'active')
    return {
      code: 'tenant_frozen',
      message: 'This organisation is frozen. An IT admin can lift the freeze.',
    };
  const person = {
    status: row.person_status,
    scimActive: row.scim_active,
    held: row.held,
    displayName: row.display_name,
  };
  return standingOf(person) ?? (row.delegation_frozen ? delegationFrozen(row.display_name) : null);
}

/** The epochs that such a token carries and that must still be the same: tenant, person. */
export const personEpochs = (row: HotPerson): [number, number] => [row.tenant_epoch, row.person_epoch];

/**
 * Checks that everything the token depends on is still in force. `row` must have been read after the request
 * arrived (law 4). Throws Fault `unauthenticated`.
 */
export function checkClientStanding(
  tenantId: string,
  claims: ClientClaims,
  row: HotPerson | null,
): VerifiedClient {
  const again = 'Sign in again from your client.';
  if (row === null)
    throw refuse('no_such_person', `The person of this token no longer exists here. ${again}`);
  const why = personStanding(row);
  if (why !== null) throw refuse(why.code, why.message);
  const moved = personEpochs(row).some((epoch, index) => epoch !== claims.epoch[index]);
  if (moved || !row.granted || row.denied)
    throw refuse('revoked', `The sign-in behind this token has ended, so the token is invalid. ${again}`);
  return {
    kind: 'client',
    tenantId,
    clientId: claims.client_id,
    personId: row.person_id,
    subject: claims.sub,
    scopes: parseScope(claims.scope ?? '') ?? [],
    audience: claims.aud,
    jti: claims.jti,
    expiresAt: new Date(claims.exp * 1000),
  };
}
