import { isId } from '#lib/id.ts';
import { MAX_TOKEN_LENGTH } from '#lib/jwt.ts';
import { one, readClient, type ClientCredentials, type FormParameters } from '../client/client-request.ts';
import { readDetails, type RequestedDetails } from './details.ts';
import { ACCESS_TOKEN_TYPE, JWT_BEARER, JWT_TYPE, MANDATE_TYPE, TOKEN_EXCHANGE } from '../names.ts';
import { OAuthError } from '../oauth-error.ts';
import { parseScope } from './scope.ts';

export type { FormParameters } from '../client/client-request.ts';

/** What the client presents as the principal's authorization. */
export type PresentedSubject =
  /** An access token: the provider's, or one of our delegation tokens. */
  | { readonly kind: 'token'; readonly token: string }
  /** The mandate itself. */
  | { readonly kind: 'mandate' }
  /** An identity assertion authorization grant (ID-JAG). */
  | { readonly kind: 'assertion'; readonly token: string };

/** A token request with a valid form. Nothing in it has been verified. */
export interface ExchangeRequest {
  readonly grantType: typeof TOKEN_EXCHANGE | typeof JWT_BEARER;
  readonly client: ClientCredentials;
  readonly subject: PresentedSubject;
  /** Null only with an identity assertion: then the only mandate between principal and agent is meant. */
  readonly mandateId: string | null;
  /** A JWT that identifies the acting agent (RFC 8693 section 2.1). */
  readonly actorToken: string | null;
  /** Null if none were named. */
  readonly scopes: readonly string[] | null;
  readonly details: RequestedDetails | null;
  /** Every `audience` and `resource` that was named. */
  readonly targets: readonly string[];
}

const bad = (reason: string, description: string): OAuthError =>
  new OAuthError('invalid_request', reason, description);

const GRANTS = {
  [TOKEN_EXCHANGE]: readTokenExchange,
  [JWT_BEARER]: readAssertionGrant,
} as const satisfies Record<
  ExchangeRequest['grantType'],
  (form: FormParameters) => Pick<ExchangeRequest, 'subject' | 'mandateId' | 'actorToken'>
>;

/**
 * Reads a token request: a token exchange (RFC 8693 section 2.1) with our parameter `mandate_id`, or an
 * identity assertion grant (RFC 7523 section 2.1). Unknown parameters are ignored, as RFC 6749 section 3.2
 * demands. No parameter can name the actor, who is always the authenticated client. `authorization` is the
 * header of that name. Throws OAuthError `unsupported_grant_type`, `invalid_request`, `invalid_scope`,
 * `invalid_authorization_details` or `invalid_client`.
 */
export function readExchange(form: FormParameters, authorization: string | null = null): ExchangeRequest {
  const client = readClient(form, authorization);
  const grantType = one(form, 'grant_type');
  if (grantType === undefined) throw bad('grant_type', `Send grant_type=${TOKEN_EXCHANGE}.`);
  if (grantType !== TOKEN_EXCHANGE && grantType !== JWT_BEARER) {
    throw new OAuthError(
      'unsupported_grant_type',
      'grant_type',
      `The grant type must be ${TOKEN_EXCHANGE} or ${JWT_BEARER}.`,
    );
  }
  const details = one(form, 'authorization_details');
  return {
    grantType,
    client,
    ...GRANTS[grantType](form),
    scopes: readScopes(form),
    details: details === undefined ? null : readDetails(details),
    targets: [...(form.get('audience') ?? []), ...(form.get('resource') ?? [])],
  };
}

function readTokenExchange(form: FormParameters) {
  const requested = one(form, 'requested_token_type');
  if (requested !== undefined && requested !== ACCESS_TOKEN_TYPE)
    throw bad('requested_token_type', `requested_token_type must be ${ACCESS_TOKEN_TYPE}, or be omitted.`);
  const subject = readSubject(form);
  const named = one(form, 'mandate_id');
  if (subject.kind === 'mandate') {
    const mandateId = readMandateId(one(form, 'subject_token'));
    if (named !== undefined && named !== mandateId)
      throw bad('mandate_id', 'subject_token and mandate_id name different mandates.');
    return { subject, mandateId, actorToken: readActor(form) };
  }
  return { subject, mandateId: readMandateId(named), actorToken: readActor(form) };
}

function readAssertionGrant(form: FormParameters) {
  const token = one(form, 'assertion');
  if (token === undefined) throw bad('assertion', "Send the employee's identity assertion as assertion.");
  const named = one(form, 'mandate_id');
  return {
    subject: { kind: 'assertion', token: requireBounded('assertion', token) } as const,
    mandateId: named === undefined ? null : readMandateId(named),
    actorToken: null,
  };
}

function readSubject(form: FormParameters): PresentedSubject {
  const token = one(form, 'subject_token');
  const type = one(form, 'subject_token_type');
  if (token === undefined || type === undefined)
    throw bad('subject_token', "Send the employee's access token as subject_token, with subject_token_type.");
  if (type === MANDATE_TYPE) return { kind: 'mandate' };
  if (type !== ACCESS_TOKEN_TYPE && type !== JWT_TYPE)
    throw bad('subject_token_type', `subject_token_type must be ${ACCESS_TOKEN_TYPE} or ${MANDATE_TYPE}.`);
  return { kind: 'token', token: requireBounded('subject_token', token) };
}

function readActor(form: FormParameters): string | null {
  const token = one(form, 'actor_token');
  const type = one(form, 'actor_token_type');
  if ((token === undefined) !== (type === undefined))
    throw bad('actor_token', 'Send actor_token and actor_token_type together.');
  if (token === undefined) return null;
  // An access token never identifies an agent alone: those that we issue have a person as their subject.
  if (type !== JWT_TYPE)
    throw bad(
      'actor_token_type',
      `actor_token must be a JWT of the authenticated client, with actor_token_type ${JWT_TYPE}; or omit both.`,
    );
  return requireBounded('actor_token', token);
}

function requireBounded(name: string, token: string): string {
  if (token.length > MAX_TOKEN_LENGTH)
    throw bad(name, `${name} is longer than ${MAX_TOKEN_LENGTH} characters.`);
  return token;
}

function readMandateId(mandateId: string | undefined): string {
  if (mandateId === undefined || !isId('mdt', mandateId))
    throw bad('mandate_id', 'Send mandate_id: mdt_ followed by 26 characters.');
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
      'scope must contain names of printable ASCII characters, separated by single spaces.',
    );
  return scopes;
}
