import { asFault } from '#lib/fault.ts';
import type { RemoteKeys } from '#lib/jwks.ts';
import type { ParsedJwt } from '#lib/jwt.ts';
import type { IdentityProvider } from '../../store.ts';
import { checkHeader, checkSignature, checkTimes, readForm, readPerson } from '../subject-token.ts';
import { providerOf, VENDORS } from './index.ts';

/**
 * One check of a token. `ok` is null if an earlier check failed, so that this one was not made. `why` is the
 * reason and never contains a part of the token.
 */
export interface TokenCheck {
  readonly check: (typeof TOKEN_CHECKS)[number];
  readonly ok: boolean | null;
  readonly why: string;
}

/** The checks, in the order in which they are shown. */
export const TOKEN_CHECKS = [
  'form',
  'provider',
  'signature',
  'audience',
  'times',
  'type',
  'client',
  'person_id',
  'scopes',
  'person',
  'standing',
] as const;

/** The result of trying a token. `subject` and `person` are set only if the signature is valid. */
export interface TokenTrial {
  readonly accepted: boolean;
  readonly checks: readonly TokenCheck[];
  readonly subject: string | null;
  readonly person: string | null;
}

/** What a trial needs. */
export interface TrialParts {
  readonly configured: readonly IdentityProvider[];
  readonly keys: RemoteKeys;
  /** Seconds since 1970. */
  readonly now: number;
  /** Our id of the person and why they may not act now. Null: the person is not in the directory. */
  readonly lookUp: (
    provider: string,
    uid: string,
    /** When the token says that it was issued, in seconds since 1970. */
    issuedAt: number,
  ) => Promise<{ id: string; refusal: string | null } | null>;
}

const DELEGATION = ['delegation:exchange', 'delegation:create', 'delegation:read', 'delegation:revoke'];

/**
 * Tries a token: makes every check of a real use, in order, and reports the reason of each. Issues, records
 * and caches nothing except the provider's keys. Refusals are part of the result; only other errors are
 * thrown.
 */
export async function tryToken(token: string, parts: TrialParts): Promise<TokenTrial> {
  const done = new Map<TokenCheck['check'], Omit<TokenCheck, 'check'>>();
  const check = async <T>(name: TokenCheck['check'], why: string, work: () => T | Promise<T>) => {
    try {
      const value = await work();
      done.set(name, { ok: true, why });
      return value;
    } catch (error) {
      const fault = asFault(error);
      if (fault.code !== 'unauthenticated' && fault.code !== 'unavailable') throw error;
      done.set(name, { ok: false, why: fault.message });
      return null;
    }
  };

  const jwt = await check('form', 'It is a signed JWT in compact form.', () => readForm(token));
  if (jwt !== null) await checkParts(jwt, parts, check, done);
  const checks = TOKEN_CHECKS.map((name) => ({
    check: name,
    ...(done.get(name) ?? { ok: null, why: 'Not checked, because an earlier check failed.' }),
  }));
  const proved = done.get('signature')?.ok === true ? await subjectOf(jwt, parts) : null;
  return {
    accepted: checks.every(({ ok }) => ok === true),
    checks,
    subject: proved?.subject ?? null,
    person:
      proved === null
        ? null
        : ((await parts.lookUp(proved.provider, proved.uid, proved.issuedAt))?.id ?? null),
  };
}

type Check = <T>(name: TokenCheck['check'], why: string, work: () => T | Promise<T>) => Promise<T | null>;

async function checkParts(
  jwt: ParsedJwt,
  parts: TrialParts,
  check: Check,
  done: Map<TokenCheck['check'], Omit<TokenCheck, 'check'>>,
): Promise<void> {
  const { claims } = jwt;
  const provider = await check('provider', 'Its issuer is configured.', () =>
    providerOf(claims['iss'], parts.configured),
  );
  await check('times', 'It is valid now.', () => checkTimes(claims, parts.now));
  const header = await check(
    'type',
    'Its header is that of an access token.',
    () => (checkHeader(jwt), true),
  );
  if (provider === null) return;
  const vendor = VENDORS[provider.kind];
  done.set('provider', { ok: true, why: `Its issuer is the configured ${vendor.title} provider.` });
  if (header !== null)
    await check('signature', 'It is signed with a key that the issuer publishes.', () =>
      checkSignature(jwt, provider, parts.keys),
    );
  await check('audience', 'It is for the configured audience.', () => vendor.checkAudience(claims, provider));
  const client =
    header === null
      ? null
      : await check('type', 'It is an access token.', () => vendor.checkType(claims, provider));
  if (client !== null)
    await check('client', clientWords(provider), () => vendor.checkClient(client, provider));
  const uid = await check('person_id', `It identifies a person (${vendor.idClaim}).`, () =>
    vendor.readUid(claims),
  );
  const scopes = vendor.readScopes(claims, provider);
  const good = DELEGATION.filter((scope) => scopes.includes(scope));
  done.set('scopes', {
    ok: good.length > 0,
    why: good.length > 0 ? `It has ${good.join(', ')}.` : `It has none of ${DELEGATION.join(', ')}.`,
  });
  // Who a person is and whether they may act is revealed only for a token that its issuer really signed.
  if (uid === null || done.get('signature')?.ok !== true) return;
  const found = await parts.lookUp(vendor.provider(provider.issuer), uid, Number(claims['iat']));
  done.set('person', {
    ok: found !== null,
    why:
      found === null
        ? 'The person is not in the directory. Import them, or provision them over SCIM.'
        : 'The person is in the directory.',
  });
  if (found !== null)
    done.set('standing', { ok: found.refusal === null, why: found.refusal ?? 'The person is active.' });
}

const clientWords = ({ config }: IdentityProvider): string =>
  'clientIds' in config
    ? 'It was issued to a client listed in client_ids.'
    : 'This provider has no client_ids, so tokens of all its clients are accepted.';

async function subjectOf(jwt: ParsedJwt | null, { configured }: TrialParts) {
  try {
    return jwt === null ? null : readPerson(jwt, providerOf(jwt.claims['iss'], configured));
  } catch {
    return null;
  }
}
