import { z } from 'zod';
import { Fault } from '#lib/fault.ts';
import type { JwsAlg } from '#lib/jwt.ts';
import { isLoopback } from '#lib/url.ts';
import type { IdentityProvider } from '../../store.ts';

/** The payload of a token. Nothing in it can be trusted until the token is verified. */
export type Claims = Readonly<Record<string, unknown>>;

/** One provider as the REST API shows it. Each kind's own `section` schema says which members it has. */
export interface Section {
  /** The `iss` of its access tokens, byte for byte. */
  readonly issuer: string;
  /** The `aud` of its access tokens, byte for byte. */
  readonly audience?: string | undefined;
  /** Entra: the directory (`tid`). */
  readonly tenant_id?: string | undefined;
  /** The provider's clients whose tokens are accepted. Absent: those of every client. */
  readonly client_ids?: readonly string[] | undefined;
  /**
   * The clients that are the organisation's own portal. Requests with their tokens need no further
   * confirmation by the person.
   */
  readonly portal_clients?: readonly string[] | undefined;
  /** Cognito: the resource server whose identifier is the prefix of its scopes. */
  readonly resource_server?: string | undefined;
}

/** A fault in a section: the field, and what to do about it. */
export interface Problem {
  readonly field: string;
  readonly problem: string;
}

/**
 * How the access tokens of one kind of provider are read. Every check throws Fault `unauthenticated` with
 * `detail.reason`. None of them checks the signature or the times.
 */
export interface Vendor {
  /** The name that people use. */
  readonly title: string;
  /** The accepted signature algorithms. The token can only choose among these. */
  readonly algorithms: readonly JwsAlg[];
  /** The shape of its section in the REST API. */
  readonly section: z.ZodType<Section>;
  /** The claim with the person's immutable id, for explanations. */
  readonly idClaim: string;
  /**
   * What is wrong with a section beyond its shape, or null. `loopback`: issuers on this machine are accepted
   * too.
   */
  fault(section: Section, options: { readonly loopback: boolean }): Problem | null;
  /** The section as it is stored. `toSection` is the reverse. */
  toRow(section: Section): Pick<IdentityProvider, 'issuer' | 'audience' | 'config'>;
  toSection(row: IdentityProvider): Section;
  /** The part between `oidc:` and the id in the canonical subject. The same as the `provider` of people. */
  provider(issuer: string): string;
  /** The address of the keys if the issuer has no discovery document. */
  fallbackJwksUri?(issuer: string): string;
  /**
   * Checks that this is an access token of the provider, and no other kind of token. Returns the client that
   * it was issued to.
   */
  checkType(claims: Claims, row: IdentityProvider): string;
  /** Checks that the token is for the configured audience. */
  checkAudience(claims: Claims, row: IdentityProvider): void;
  /** Checks that tokens of the client, as `checkType` returned it, are accepted. */
  checkClient(client: string, row: IdentityProvider): void;
  /** The immutable id of the person. */
  readUid(claims: Claims): string;
  /** The scopes, without the prefix that a vendor adds. */
  readScopes(claims: Claims, row: IdentityProvider): readonly string[];
  /** The groups in the token, as the vendor names them. */
  readGroups(claims: Claims): readonly string[];
}

/** Refuses an incoming token: `reason` is for programs, `message` says what to do. */
export const refuse = (reason: string, message: string): Fault =>
  new Fault('unauthenticated', message, { detail: { reason } });

/** Whether the value is a list of strings. */
export const isStrings = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string');

/**
 * Refuses a token with claims that only an ID token, a logout token or a security event token has (OpenID
 * Connect Core section 2; RFC 8417).
 */
export function refuseOtherTokens(claims: Claims): void {
  if ('nonce' in claims || 'at_hash' in claims || 'c_hash' in claims || 'events' in claims)
    throw notAnAccessToken('This is an ID token or another kind of token.');
}

/** Refuses a token of another kind, with the reason in `why`. */
export const notAnAccessToken = (why: string): Fault =>
  refuse('not_an_access_token', `${why} Send the access token.`);

/** Requires the configured audience alone: another audience of the same token could replay it (T10). */
export function requireAudience(claims: Claims, audience: string): void {
  const { aud } = claims;
  if (aud === audience || (Array.isArray(aud) && aud.length === 1 && aud[0] === audience)) return;
  throw refuse('audience', 'The token is for a different audience than the one configured for its issuer.');
}

const MAX_CLIENTS = 50;

/** Schema of `client_ids` and `portal_clients`: clients of the provider, each matching `pattern`. */
export const clientIds = (pattern: RegExp, problem: string) =>
  z.array(z.string().regex(pattern, problem)).min(1).max(MAX_CLIENTS);

/** Description of `portal_clients`, the same for every provider. */
export const PORTAL_CLIENTS =
  'Clients of your own portal, which ask the person to confirm before they send a request. What they create or renew needs no second confirmation. Never list clients whose tokens agents can get. Default: none.';

/** Both lists as they are stored in the row; empty if a section has none. */
export const clientConfig = (section: Section): Pick<IdentityProvider, 'config'>['config'] => ({
  ...(section.client_ids === undefined ? {} : { clientIds: [...section.client_ids] }),
  ...(section.portal_clients === undefined ? {} : { portalClients: [...section.portal_clients] }),
});

/** Both lists as the API returns them. */
export const clientSection = ({
  config,
}: IdentityProvider): Pick<Section, 'client_ids' | 'portal_clients'> => ({
  ...(isStrings(config['clientIds']) ? { client_ids: config['clientIds'] } : {}),
  ...(isStrings(config['portalClients']) ? { portal_clients: config['portalClients'] } : {}),
});

/**
 * Requires that the token was issued to a listed client, or to any client if there is no list (T26). A
 * malformed list accepts no client.
 */
export function requireClient(client: string, listed: unknown): void {
  if (listed === undefined || (isStrings(listed) && listed.includes(client))) return;
  throw refuse(
    'client',
    'The token was issued to a client that is not listed in client_ids of its issuer. Use a listed client, or ask an administrator to add this one.',
  );
}

/**
 * Requires an id that can be part of a canonical subject: up to 255 printable ASCII characters without
 * spaces.
 */
export function requireUid(value: unknown, claim: string): string {
  if (typeof value === 'string' && /^[\x21-\x7e]{1,255}$/.test(value)) return value;
  throw refuse(
    'no_person',
    `The token has no ${claim}, so it does not identify a person. Client credentials tokens cannot delegate.`,
  );
}

/** A list of scopes in one string, separated by spaces (RFC 6749 section 3.3). */
export const splitScopes = (text: string): string[] => text.split(' ').filter((scope) => scope !== '');

/**
 * What is wrong with an address as an issuer (OpenID Connect Discovery 1.0 section 3), or null. Does not
 * fetch it.
 */
export function issuerFault(issuer: string, options: { readonly loopback: boolean }): Problem | null {
  const wrong = (problem: string): Problem => ({ field: 'issuer', problem });
  if (!URL.canParse(issuer)) return wrong('is not a URL.');
  const url = new URL(issuer);
  const own = options.loopback && isLoopback(url);
  if (url.protocol !== 'https:' && !(own && url.protocol === 'http:'))
    return wrong('must begin with https://.');
  if (url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '')
    return wrong('must not have a query, fragment or credentials.');
  if (url.href !== issuer && url.href !== `${issuer}/`)
    return wrong('must match the tokens and the discovery document exactly.');
  return null;
}
