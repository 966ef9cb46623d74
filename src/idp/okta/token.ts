import { z } from 'zod';
import { Fault } from '#lib/fault.ts';
import { assertionMaker } from './assertion.ts';
import { untilAnswered, type Plan } from './attempts.ts';
import { createDpop, type Prove } from './dpop.ts';
import { faultOfAnswer, faultOfSilence, provider, scopeFault } from './errors.ts';
import { DEFAULT_SCOPES, type OktaCredential } from './settings.ts';
import { NoAnswer, send, type Answer } from './transport.ts';

/** Authenticates our requests to Okta. */
export interface Authorizer {
  /**
   * The headers for one attempt. May first get a token. A DPoP proof is valid once, so call it for every
   * attempt.
   */
  headers(method: string, url: string): Promise<Record<string, string>>;
  /** Okta refused these headers with 401. Returns whether another attempt with a new token makes sense. */
  renew(headers: Readonly<Record<string, string>>): boolean;
}

/** Limits and dependencies of a token request. */
export interface TokenOptions {
  readonly orgUrl: string;
  readonly timeoutMs: number;
  readonly plan: Omit<Plan, 'change'>;
  readonly now: () => number;
}

interface Token {
  readonly value: string;
  readonly scheme: 'Bearer' | 'DPoP';
  readonly renewAtMs: number;
}

const tokenAnswer = z.looseObject({
  access_token: z.string().min(1),
  token_type: z.string().optional(),
  expires_in: z.number().positive().catch(300),
});
const oauthError = z.looseObject({ error: z.string(), error_description: z.string().catch('') });
// For an unknown client id, Okta answers in the form of its management API.
const unknownClient = z
  .looseObject({ errorCode: z.string().regex(/^[a-z_]+$/), errorSummary: z.string().catch('') })
  .transform((body) => ({ error: body.errorCode, error_description: body.errorSummary }));
const refused = z.union([oauthError, unknownClient]);

// How long before they end tokens are renewed.
const RENEW_EARLY_SECONDS = 60;

// What to do about errors of the token endpoint (RFC 6749 section 5.2; Okta's texts vary).
const OAUTH_MEANING = {
  invalid_client:
    'Okta rejected our client. Check the client ID, and that the public key with this key ID is registered and active in the app.',
  unauthorized_client:
    'The Okta app cannot use client credentials. It must be an API Services app with that grant.',
  access_denied: 'An Okta policy denies our app a token. Check the app’s assignments and the System Log.',
  invalid_request: 'Okta rejected our token request. Check the client ID and the organisation URL.',
  invalid_dpop_proof: 'Okta rejected our DPoP proof. Check the clock of this machine.',
} satisfies Record<string, string>;

/** An SSWS token needs only its header and cannot be renewed. */
const apiToken = (token: string): Authorizer => ({
  headers: () => Promise.resolve({ authorization: `SSWS ${token}` }),
  renew: () => false,
});

/**
 * Creates the authorizer of a credential. For `private_key` it gets tokens by `client_credentials` with
 * `private_key_jwt`, and uses DPoP if the app requires it. All waiting callers share one request. A token is
 * renewed a minute before it ends, and is dropped after a 401.
 *
 * A refusal throws Fault `forbidden` that says what to do; `detail.missing` names scopes that are not
 * granted. The SDK's own client is not used, because it swallows such refusals and then sends `Bearer
 * undefined`.
 */
export function createAuthorizer(credential: OktaCredential, options: TokenOptions): Authorizer {
  if (credential.kind === 'api_token') return apiToken(credential.token);
  const url = `${options.orgUrl}/oauth2/v1/token`;
  const asked = { change: false, path: '/oauth2/v1/token' };
  const scopes = credential.scopes ?? DEFAULT_SCOPES;
  const assertion = assertionMaker(credential, url);
  let current: Token | null = null;
  let pending: Promise<Token> | null = null;
  let prove: Prove | null = null;
  let nonce: string | undefined;

  const post = (scope: readonly string[]): Promise<Answer> =>
    untilAnswered({ ...options.plan, change: false }, async () => {
      const proof =
        prove === null ? undefined : await prove({ method: 'POST', url, nowMs: options.now(), nonce });
      return send({
        method: 'POST',
        url,
        headers: {
          accept: 'application/json',
          'content-type': 'application/x-www-form-urlencoded',
          ...(proof === undefined ? {} : { dpop: proof }),
        },
        body: new URLSearchParams({
          grant_type: 'client_credentials',
          scope: scope.join(' '),
          client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
          client_assertion: await assertion(options.now()),
        }).toString(),
        timeoutMs: options.timeoutMs,
        signals: options.plan.signals,
      });
    });

  // Okta may ask twice: first for a proof, then for a proof with its nonce.
  const request = async (scope: readonly string[]): Promise<Answer> => {
    for (let round = 0; ; round += 1) {
      const answer = await post(scope);
      const error = answer.status === 400 ? errorOf(answer) : null;
      if (round === 2 || (error?.error !== 'invalid_dpop_proof' && error?.error !== 'use_dpop_nonce'))
        return answer;
      prove ??= await createDpop();
      nonce = answer.headers.get('dpop-nonce') ?? nonce;
    }
  };

  // Okta seldom says which scope is not granted, so ask for each one alone.
  const ungranted = async (): Promise<string[]> => {
    const answers = await Promise.all(
      scopes.map(async (one) => ({ one, error: errorOf(await request([one])) })),
    );
    return answers.filter(({ error }) => error?.error === 'invalid_scope').map(({ one }) => one);
  };

  const refusal = async (answer: Answer): Promise<Fault> => {
    const error = errorOf(answer);
    if (error === null || answer.status === 429 || answer.status >= 500) return faultOfAnswer(answer, asked);
    const said = provider(answer.status, answer.headers, error.error, error.error_description);
    if (error.error === 'invalid_scope') {
      const named = scopes.filter((one) => error.error_description.includes(one));
      const missing = named.length > 0 ? named : await ungranted();
      return scopeFault(missing.length > 0 ? missing : scopes, said);
    }
    const known: string | undefined = Object.hasOwn(OAUTH_MEANING, error.error)
      ? OAUTH_MEANING[error.error as keyof typeof OAUTH_MEANING]
      : undefined;
    const message =
      known ?? 'Okta denied our app a token. See the details, and the System Log of the organisation.';
    return new Fault('forbidden', message, { detail: { missing: ['credential'], provider: said } });
  };

  const fetchToken = async (): Promise<Token> => {
    const askedAtMs = options.now();
    const answer = await request(scopes);
    const token = answer.status === 200 ? tokenAnswer.safeParse(json(answer.text)).data : undefined;
    if (token === undefined) throw await refusal(answer);
    const lifeSeconds = Math.max(token.expires_in - RENEW_EARLY_SECONDS, token.expires_in / 2);
    return {
      value: token.access_token,
      scheme: token.token_type?.toLowerCase() === 'dpop' ? 'DPoP' : 'Bearer',
      renewAtMs: askedAtMs + lifeSeconds * 1_000,
    };
  };

  const token = async (): Promise<Token> => {
    if (current !== null && options.now() < current.renewAtMs) return current;
    pending ??= fetchToken()
      .then((fresh) => (current = fresh))
      .catch((error: unknown) => {
        // As a Fault, so that the call that waits for the token does not repeat it again.
        throw error instanceof NoAnswer ? faultOfSilence(error, asked) : error;
      })
      .finally(() => (pending = null));
    return pending;
  };

  return {
    async headers(method, target) {
      const { value, scheme } = await token();
      const authorization = `${scheme} ${value}`;
      if (scheme === 'Bearer' || prove === null) return { authorization };
      return {
        authorization,
        dpop: await prove({ method, url: target, nowMs: options.now(), accessToken: value }),
      };
    },
    renew(headers) {
      // Drop only the refused token: another caller may already have a new one.
      if (current !== null && headers['authorization'] === `${current.scheme} ${current.value}`)
        current = null;
      return true;
    },
  };
}

const errorOf = (answer: Answer): { error: string; error_description: string } | null =>
  answer.status === 200 ? null : (refused.safeParse(json(answer.text)).data ?? null);

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
