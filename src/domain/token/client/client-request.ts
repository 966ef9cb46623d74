import { isId } from '#lib/id.ts';
import { parseJwt } from '#lib/jwt.ts';
import { OAuthError } from '../oauth-error.ts';
import { SPIFFE_ASSERTION } from '../names.ts';

/**
 * Form parameters by name, without empty ones: a parameter without a value counts as omitted (RFC 6749
 * section 3.2).
 */
export type FormParameters = ReadonlyMap<string, readonly string[]>;

/**
 * How a client identifies itself, as received: by an assertion (RFC 7521 section 4.2) or a secret (RFC 6749
 * section 2.3.1). Nothing is verified.
 */
export interface ClientCredentials {
  readonly clientId: string | undefined;
  readonly assertionType: string | undefined;
  readonly assertion: string | undefined;
  readonly secret: string | undefined;
}

const REPEATABLE = new Set(['audience', 'resource']);
/** Longer than any of our credentials. */
const MAX_BASIC_LENGTH = 1024;

/** The first value of a parameter. */
export const one = (form: FormParameters, name: string): string | undefined => form.get(name)?.[0];

/**
 * Reads how the client identifies itself, in the form or in an `Authorization: Basic` header. Pass null for
 * `authorization` if the header means something else. Throws OAuthError `invalid_request` if a parameter is
 * repeated or the client authenticates in two ways (RFC 6749 section 2.3), and `invalid_client` for an
 * invalid Basic header.
 */
export function readClient(form: FormParameters, authorization: string | null = null): ClientCredentials {
  for (const [name, values] of form) {
    if (values.length > 1 && !REPEATABLE.has(name))
      throw new OAuthError('invalid_request', 'repeated', 'The form contains a parameter more than once.');
  }
  const basic = authorization === null ? null : readBasic(authorization);
  const clientId = one(form, 'client_id');
  const secrets = [basic?.secret, one(form, 'client_secret'), one(form, 'client_assertion')];
  if (secrets.filter((secret) => secret !== undefined).length > 1) {
    throw new OAuthError(
      'invalid_request',
      'two_authentications',
      'Authenticate in only one way: client_assertion, client_secret, or the Authorization header.',
    );
  }
  if (basic !== null && clientId !== undefined && clientId !== basic.clientId)
    throw new OAuthError(
      'invalid_request',
      'two_clients',
      'client_id differs from the client in the Authorization header.',
    );
  return {
    clientId: basic?.clientId ?? clientId,
    assertionType: one(form, 'client_assertion_type'),
    assertion: one(form, 'client_assertion'),
    secret: basic?.secret ?? one(form, 'client_secret'),
  };
}

/** Whether the client sent anything to authenticate with. */
export const hasCredentials = (credentials: ClientCredentials): boolean =>
  credentials.assertion !== undefined || credentials.secret !== undefined;

/** The agent that the credentials name, unverified, or null. It tells the tenant if the address does not. */
export function claimedClient(credentials: ClientCredentials): string | null {
  const spiffe = credentials.assertionType === SPIFFE_ASSERTION;
  const claimed =
    credentials.clientId ?? (spiffe ? undefined : parseJwt(credentials.assertion ?? '')?.claims['sub']);
  return typeof claimed === 'string' && isId('agt', claimed) ? claimed : null;
}

/** Reads Basic credentials (RFC 7617). Both halves are form-urlencoded first (RFC 6749 section 2.3.1). */
function readBasic(authorization: string): { clientId: string; secret: string } {
  const encoded = /^Basic +([A-Za-z0-9+/_-]+=*)$/i.exec(authorization.trim())?.[1];
  const wrong = () =>
    new OAuthError(
      'invalid_client',
      'authorization_header',
      'The Authorization header must be Basic with client ID and client secret, or be omitted.',
    );
  if (encoded === undefined || encoded.length > MAX_BASIC_LENGTH) throw wrong();
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 1) throw wrong();
  try {
    const decode = (part: string) => decodeURIComponent(part.replaceAll('+', ' '));
    return { clientId: decode(text.slice(0, colon)), secret: decode(text.slice(colon + 1)) };
  } catch {
    throw wrong();
  }
}
