import { reach } from '#db/reach.ts';
import { sha256 } from '#lib/crypto.ts';
import { Fault } from '#lib/fault.ts';
import type { RemoteKeys } from '#lib/jwks.ts';
import type { TenantWriter } from '../../context.ts';
import {
  findPerson,
  findPersonByUid,
  peopleByEmail,
  tightenPerson,
  type Person,
} from '../../person/store.ts';
import { proveNotice, subjectIdentifier, type Notice, type SubjectIdentifier } from './logout-notice.ts';
import { issuerOf } from '../names.ts';
import type { KernelParts } from '../parts.ts';
import { oktaIssuersOf, spend } from '../store.ts';

/**
 * The result of a notice. `known` is false if we do not have the person, `fresh` is false if it was
 * processed before.
 */
export interface LogoutOutcome {
  readonly known: boolean;
  readonly fresh: boolean;
}

/**
 * Ends people's sessions when their Okta says so. Mandates stay: after the next sign-in they work as before.
 */
export interface LogoutReceiver {
  /**
   * Okta Universal Logout (draft-parecki-oauth-global-token-revocation). `bearer` is the JWT of the
   * Authorization header, `body` the parsed JSON. Throws Fault `unauthenticated` (also for a JWT that was
   * used before), `invalid_input` or `unavailable`.
   */
  globalTokenRevocation(tenantId: string, bearer: string, body: unknown): Promise<LogoutOutcome>;
  /**
   * Processes one Security Event Token (RFC 8417, CAEP 1.0). A repeated token changes nothing. Throws Fault
   * `unauthenticated`, `invalid_input` or `unavailable`.
   */
  securityEvent(tenantId: string, set: string): Promise<LogoutOutcome>;
}

/** The address at which a tenant receives global token revocations. */
export const globalRevocationEndpoint = (issuer: string): string =>
  `${issuer}/oauth2/global-token-revocation`;
/** The address at which a tenant receives pushed security events (RFC 8935). */
export const securityEventEndpoint = (issuer: string): string => `${issuer}/ssf/events`;

/** CAEP 1.0 section 3.1. Every other event is accepted and changes nothing. */
const SESSION_REVOKED = 'https://schemas.openid.net/secevent/caep/event-type/session-revoked';
const HOUR = 3600;
/** Allows for a transmitter that was offline. Anything older has been overtaken by the next import. */
const EVENT_SECONDS = 7 * 24 * HOUR;

/** Creates the receiver. `keys` fetches the keys of Okta's issuers. */
export function createLogoutReceiver(
  parts: Pick<KernelParts, 'baseUrl' | 'now' | 'read' | 'write'>,
  keys: RemoteKeys,
): LogoutReceiver {
  const now = () => parts.now().getTime() / 1000;
  const trustedOf = (tenantId: string) => reach(parts.read(tenantId, oktaIssuersOf));

  /**
   * Spends the notice, ends tokens and sessions, and writes the ledger in one transaction. If anything fails
   * before the commit, the notice can be sent again.
   */
  function act(
    tenantId: string,
    notice: Notice,
    subjects: readonly SubjectIdentifier[],
    by: { actor: string; trusted: readonly string[] },
  ): Promise<LogoutOutcome> {
    return reach(
      parts.write(tenantId, async (ctx) => {
        const key = sha256(`logout ${notice.issuer} ${notice.jti}`);
        if (!(await spend(ctx, key, new Date(notice.until * 1000)))) return { known: true, fresh: false };
        let known = false;
        for (const subject of subjects) {
          const person = await personOf(ctx, subject, by.trusted);
          if (person === null) continue;
          known = true;
          await endSessions(ctx, person, by.actor, notice);
        }
        return { known, fresh: true };
      }),
    );
  }

  return {
    globalTokenRevocation: async (tenantId, bearer, body) => {
      const trusted = await trustedOf(tenantId);
      const audiences = [globalRevocationEndpoint(issuerOf(parts.baseUrl, tenantId))];
      const notice = await proveNotice(
        bearer,
        { type: 'global-token-revocation+jwt', audiences, trusted, maxAgeSeconds: HOUR, now: now() },
        keys,
      );
      const { sub_id: subId, subject } = (typeof body === 'object' && body !== null ? body : {}) as Record<
        'sub_id' | 'subject',
        unknown
      >;
      const named = subjectIdentifier(subId ?? subject);
      if (named === null)
        throw new Fault('invalid_input', 'Send sub_id with the format iss_sub (iss, sub) or email (email).');
      const outcome = await act(tenantId, notice, [named], { actor: 'okta:universal-logout', trusted });
      if (outcome.fresh) return outcome;
      throw new Fault('unauthenticated', 'This JWT was already used. Create a new one for each request.', {
        detail: { reason: 'replayed' },
      });
    },
    securityEvent: async (tenantId, set) => {
      const trusted = await trustedOf(tenantId);
      const issuer = issuerOf(parts.baseUrl, tenantId);
      const audiences = [securityEventEndpoint(issuer), issuer];
      const notice = await proveNotice(
        set,
        { type: 'secevent+jwt', audiences, trusted, maxAgeSeconds: EVENT_SECONDS, now: now() },
        keys,
      );
      const { events, sub_id: subId } = notice.claims;
      if (typeof events !== 'object' || events === null || Object.keys(events).length === 0)
        throw new Fault('invalid_input', 'A security event token must have events.');
      const revoked = (events as Record<string, unknown>)[SESSION_REVOKED];
      // Okta names the subject inside the event; SSF 1.0 names it at the top level.
      const inside =
        typeof revoked === 'object' && revoked !== null && 'subject' in revoked ? revoked.subject : null;
      const subject = revoked === undefined ? null : subjectIdentifier(subId ?? inside);
      return act(tenantId, notice, subject === null ? [] : [subject], { actor: 'okta:ssf', trusted });
    },
  };
}

/**
 * The one person that a subject identifier names, locked for update; null if there is none, or if several
 * people have that email.
 */
async function personOf(
  ctx: TenantWriter,
  subject: SubjectIdentifier,
  trusted: readonly string[],
): Promise<Person | null> {
  if (subject.format === 'iss_sub')
    return trusted.includes(subject.iss) ? findPersonByUid(ctx, 'okta', subject.sub, 'update') : null;
  const [person, another] = (await peopleByEmail(ctx, subject.email)).filter(
    ({ provider }) => provider === 'okta',
  );
  return person === undefined || another !== undefined ? null : findPerson(ctx, person.id, 'update');
}

async function endSessions(ctx: TenantWriter, person: Person, actor: string, notice: Notice): Promise<void> {
  await tightenPerson(ctx, person.id, {});
  ctx.record({
    event: 'SESSIONS_REVOKED',
    actor,
    data: {
      person: person.id,
      subject: `oidc:${person.provider}:${person.uid}`,
      issuer: notice.issuer,
      jti: notice.jti,
    },
  });
}
