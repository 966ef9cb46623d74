import { z } from 'zod';
import { Fault } from '#lib/fault.ts';
import type { JwsAlg } from '#lib/jwt.ts';
import type { IdentityProvider } from '../store.ts';

/** The payload of a token; nothing in it is trusted because it stands there. */
export type Claims = Readonly<Record<string, unknown>>;

/** One provider as the REST API writes it (requirements D2): which members a kind has, its own `section` says. */
export interface Section {
  /** The `iss` of its access tokens, byte for byte. */
  readonly issuer: string;
  /** The `aud` of its access tokens, byte for byte. */
  readonly audience?: string | undefined;
  /** Entra: the directory (`tid`). */
  readonly tenant_id?: string | undefined;
  /** The provider's clients whose tokens are taken; absent: those of every client. */
  readonly client_ids?: readonly string[] | undefined;
  /** The clients that are the organisation's own portal: what their tokens ask needs no click of the person besides. */
  readonly portal_clients?: readonly string[] | undefined;
  /** Cognito: the resource server whose identifier stands before its scopes. */
  readonly resource_server?: string | undefined;
}

/** Where in a section something is wrong, and what to do about it. */
export interface Problem {
  readonly field: string;
  readonly problem: string;
}

/**
 * How the access tokens of one kind of provider are read. Every check throws Fault `unauthenticated` with `detail.reason`; none of
 * them looks at signature or times.
 */
export interface Vendor {
  /** As people call it. */
  readonly title: string;
  /** What its tokens may be signed with; the token chooses only among these. */
  readonly algorithms: readonly JwsAlg[];
  readonly section: z.ZodType<Section>;
  /** The claim that holds the immutable id of the person, for explanations. */
  readonly idClaim: string;
  /** What is wrong with a section beyond its shape, or null. `loopback`: an issuer on this machine is taken too. */
  fault(section: Section, options: { readonly loopback: boolean }): Problem | null;
  toRow(section: Section): Pick<IdentityProvider, 'issuer' | 'audience' | 'config'>;
  toSection(row: IdentityProvider): Section;
  /** What stands between `oidc:` and the id in the canonical subject: the `provider` of people. */
  provider(issuer: string): string;
  /** Where the keys are if the issuer publishes no discovery document. */
  fallbackJwksUri?(issuer: string): string;
  /** An access token of this provider, and no other kind of token; issued to a client that it names. Returns that client. */
  checkType(claims: Claims, row: IdentityProvider): string;
  checkAudience(claims: Claims, row: IdentityProvider): void;
  /** The client that `checkType` returned is one of those whose tokens are taken. */
  checkClient(client: string, row: IdentityProvider): void;
  /** The immutable id of the person. */
  readUid(claims: Claims): string;
  /** The scopes without the prefix that a vendor puts before them. */
  readScopes(claims: Claims, row: IdentityProvider): readonly string[];
  /** Groups in the token, as the vendor names them. */
  readGroups(claims: Claims): readonly string[];
}

/** A refusal of an incoming token; `reason` is for programs, `message` says what to do. */
export const refuse = (reason: string, message: string): Fault =>
  new Fault('unauthenticated', message, { detail: { reason } });

export const isStrings = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string');

/** Refuses what only an ID token, a logout token or a security event token has (OpenID Connect Core section 2; RFC 8417). */
export function refuseOtherTokens(claims: Claims): void {
  if ('nonce' in claims || 'at_hash' in claims || 'c_hash' in claims || 'events' in claims)
    throw notAnAccessToken('This is an ID token or another kind of token.');
}

export const notAnAccessToken = (why: string): Fault =>
  refuse('not_an_access_token', `${why} Present the access token.`);

/** The audience that is configured, alone: a token for others too could be replayed by them (T10). */
export function requireAudience(claims: Claims, audience: string): void {
  const { aud } = claims;
  if (aud === audience || (Array.isArray(aud) && aud.length === 1 && aud[0] === audience)) return;
  throw refuse(
    'audience',
    'The token is for another audience than the one that is configured for its issuer.',
  );
}

const MAX_CLIENTS = 50;

/** `client_ids` or `portal_clients` of a section: clients of the provider, each named as `pattern` has it. */
export const clientIds = (pattern: RegExp, problem: string) =>
  z.array(z.string().regex(pattern, problem)).min(1).max(MAX_CLIENTS);

/** What a section says of `portal_clients`, whatever the provider. */
export const PORTAL_CLIENTS =
  "Clients of your own portal, in whose pages the person clicks before it asks: what their tokens ask to create or renew does not wait for the person's confirmation. Never a client whose tokens agents get. Left out: none.";

/** Both as they are kept in the row; nothing where none were listed. */
export const clientConfig = (section: Section): Pick<IdentityProvider, 'config'>['config'] => ({
  ...(section.client_ids === undefined ? {} : { clientIds: [...section.client_ids] }),
  ...(section.portal_clients === undefined ? {} : { portalClients: [...section.portal_clients] }),
});

/** And as it is answered. */
export const clientSection = ({
  config,
}: IdentityProvider): Pick<Section, 'client_ids' | 'portal_clients'> => ({
  ...(isStrings(config['clientIds']) ? { client_ids: config['clientIds'] } : {}),
  ...(isStrings(config['portalClients']) ? { portal_clients: config['portalClients'] } : {}),
});

/** The token was issued to a client that is listed; where there is no list, to any (T26). What is listed in another form than it is kept in lets nobody in. */
export function requireClient(client: string, listed: unknown): void {
  if (listed === undefined || (isStrings(listed) && listed.includes(client))) return;
  throw refuse(
    'client',
    'The token was issued to a client that is not in client_ids of its issuer. Sign the employee in with one that is, or have an administrator add it.',
  );
}

/** An id of a person as it can stand in a canonical subject: up to 255 printable ASCII characters without spaces. */
export function requireUid(value: unknown, claim: string): string {
  if (typeof value === 'string' && /^[\x21-\x7e]{1,255}$/.test(value)) return value;
  throw refuse(
    'no_person',
    `The token stands for no person: it has no ${claim}. Tokens of client credentials cannot delegate.`,
  );
}

/** A list of scopes in one string, separated by spaces (RFC 6749 section 3.3). */
export const splitScopes = (text: string): string[] => text.split(' ').filter((scope) => scope !== '');

const LOOPBACK = new Set(['127.0.0.1', 'localhost', '[::1]']);

/** What is wrong with an address as an issuer (OpenID Connect Discovery 1.0 section 3), or null. It is not asked here. */
export function issuerFault(issuer: string, options: { readonly loopback: boolean }): Problem | null {
  const wrong = (problem: string): Problem => ({ field: 'issuer', problem });
  if (!URL.canParse(issuer)) return wrong('is not an address.');
  const url = new URL(issuer);
  const own = options.loopback && LOOPBACK.has(url.hostname);
  if (url.protocol !== 'https:' && !(own && url.protocol === 'http:'))
    return wrong('must begin with https://.');
  if (url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '')
    return wrong('must have no query, fragment or credentials.');
  if (url.href !== issuer && url.href !== `${issuer}/`)
    return wrong('must be written exactly as the tokens and the discovery document have it.');
  return null;
}

/** Whether an issuer is on this machine, where a sandbox has its stand-ins for every vendor. */
export const isLoopback = (issuer: string): boolean => LOOPBACK.has(new URL(issuer).hostname);
