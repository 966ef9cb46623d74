import { isId } from '#lib/id.ts';
import { MAX_TOKEN_LENGTH } from '#lib/jwt.ts';
import type { ClientCredentials } from './client-assertion.ts';
import { ACCESS_TOKEN_TYPE, JWT_TYPE, TOKEN_EXCHANGE } from './names.ts';
import { OAuthError } from './oauth-error.ts';
import { parseScope } from './scope.ts';

/** A token request whose form is in order; nothing in it has been verified. */
export interface ExchangeRequest {
  readonly client: ClientCredentials;
  readonly subjectToken: string;
  readonly mandateId: string;
  /** Null where none were named. */
  readonly scopes: readonly string[] | null;
  /** Every `audience` and `resource` that was named. */
  readonly targets: readonly string[];
}

/** A form's parameters without empty ones: a parameter without a value was omitted (RFC 6749 section 3.2). */
export type FormParameters = ReadonlyMap<string, readonly string[]>;

const bad = (reason: string, description: string): OAuthError =>
  new OAuthError('invalid_request', reason, description);
const REPEATABLE = new Set(['audience', 'resource']);

/** What the client says of itself. Throws OAuthError `invalid_request` where it does so twice, or in two ways. */
export function readClient(form: FormParameters): ClientCredentials {
  refuseRepeated(form);
  if (form.has('client_secret')) {
    throw new OAuthError(
      'invalid_client',
      'client_secret',
      'Secrets are not taken here. Authenticate with private_key_jwt.',
    );
  }
  return {
    clientId: one(form, 'client_id'),
    assertionType: one(form, 'client_assertion_type'),
    assertion: one(form, 'client_assertion'),
  };
}

/**
 * Reads a token exchange request (RFC 8693 section 2.1) with our parameter `mandate_id`. Parameters that nobody knows are ignored, as
 * RFC 6749 section 3.2 demands: nothing in the form can name the actor, who is always the authenticated client.
 * Throws OAuthError: `unsupported_grant_type`, `invalid_request`, `invalid_scope`, `invalid_authorization_details`.
 */
export function readExchange(form: FormParameters): ExchangeRequest {
  const client = readClient(form);
  const grantType = one(form, 'grant_type');
  if (grantType === undefined) throw bad('grant_type', `Send grant_type=${TOKEN_EXCHANGE}.`);
  if (grantType !== TOKEN_EXCHANGE)
    throw new OAuthError('unsupported_grant_type', 'grant_type', `The grant type must be ${TOKEN_EXCHANGE}.`);
  const requested = one(form, 'requested_token_type');
  if (requested !== undefined && requested !== ACCESS_TOKEN_TYPE)
    throw bad('requested_token_type', `Only ${ACCESS_TOKEN_TYPE} is issued.`);
  if (form.has('actor_token') !== form.has('actor_token_type'))
    throw bad('actor_token', 'actor_token and actor_token_type go together.');
  if (form.has('actor_token'))
    throw bad(
      'actor_token',
      'The actor is the authenticated client. Leave actor_token and actor_token_type out.',
    );
  if (form.has('authorization_details')) {
    throw new OAuthError(
      'invalid_authorization_details',
      'authorization_details',
      'The constraints of the mandate always apply. Leave authorization_details out.',
    );
  }
  return {
    client,
    subjectToken: readSubjectToken(form),
    mandateId: readMandateId(form),
    scopes: readScopes(form),
    targets: [...(form.get('audience') ?? []), ...(form.get('resource') ?? [])],
  };
}

function readSubjectToken(form: FormParameters): string {
  const token = one(form, 'subject_token');
  const type = one(form, 'subject_token_type');
  if (token === undefined || type === undefined)
    throw bad('subject_token', "Send the employee's access token as subject_token, with subject_token_type.");
  if (type !== ACCESS_TOKEN_TYPE && type !== JWT_TYPE)
    throw bad('subject_token_type', `subject_token_type must be ${ACCESS_TOKEN_TYPE}.`);
  if (token.length > MAX_TOKEN_LENGTH)
    throw bad('subject_token', `subject_token is longer than ${MAX_TOKEN_LENGTH} characters.`);
  return token;
}

function readMandateId(form: FormParameters): string {
  const mandateId = one(form, 'mandate_id');
  if (mandateId === undefined || !isId('mdt', mandateId))
    throw bad('mandate_id', 'Send mandate_id: mdt_ and 26 characters, as the mandate was given.');
  return mandateId;
}

function readScopes(form: FormParameters): string[] | null {
  const text = one(form, 'scope');
  if (text === undefined) return null;
  const scopes = parseScope(text);
  if (scopes === null)
    throw new OAuthError(
      'invalid_scope',
      'scope_syntax',
      'scope must be names of printable ASCII with one space between.',
    );
  return scopes;
}

function refuseRepeated(form: FormParameters): void {
  for (const [name, values] of form) {
    if (values.length > 1 && !REPEATABLE.has(name))
      throw bad('repeated', 'A parameter stands more than once in the form.');
  }
}

const one = (form: FormParameters, name: string): string | undefined => form.get(name)?.[0];
