import { answersTo, SILENCE_REMEDY, silenceOf, type Answers, type Check } from '#lib/check.ts';
import { readKeys } from '#lib/jwks.ts';
import { oneLine } from '#lib/sanitise.ts';
import type { OktaConfig } from './config.ts';

/** What is asked of the authorization server. */
export interface IssuerToCheck {
  readonly okta: Pick<OktaConfig, 'issuer' | 'audience' | 'orgUrl' | 'login'>;
  readonly publicUrl: string;
  /** The organisations of this installation: each has redirect addresses of its own. */
  readonly tenants: readonly string[];
  /** For one request, in milliseconds. */
  readonly timeoutMs: number;
}

interface Metadata {
  readonly jwks_uri?: unknown;
  readonly introspection_endpoint?: unknown;
  readonly authorization_endpoint?: unknown;
}

/**
 * Asks the authorization server of `OKTA_ISSUER` for its metadata and its keys, and whether it knows the
 * app that people sign in with. Which audience its tokens have cannot be asked: only a value that is
 * certainly wrong is named.
 */
export async function checkIssuer(what: IssuerToCheck): Promise<Check[]> {
  const { issuer } = what.okta;
  const answers = answersTo('issuer.metadata', 'Issuer: its metadata');
  let metadata: Metadata;
  try {
    const answer = await get(`${issuer}/.well-known/openid-configuration`, what.timeoutMs);
    const body = answer.status === 200 ? await objectOf(answer) : null;
    if (body === null)
      return [
        answers.failed(
          `${issuer} answered ${answer.status}, and no metadata.`,
          'Check OKTA_ISSUER: Security, API, Authorization Servers shows it as Issuer URI.',
          'no_metadata',
        ),
      ];
    if (body['issuer'] !== issuer)
      return [
        answers.failed(
          `It calls itself ${oneLine(String(body['issuer'])).slice(0, 200)}, not ${issuer}.`,
          'Set OKTA_ISSUER to the Issuer URI exactly as Okta shows it; its setting Issuer says whether it uses your custom domain.',
          'other_issuer',
        ),
      ];
    metadata = body;
  } catch (error) {
    return [silent(answers, issuer, error)];
  }
  return [
    answers.ok(`${issuer} publishes metadata.`),
    await keysCheck(metadata, what),
    ...audienceChecks(what.okta),
    ...(await loginChecks(metadata, what)),
  ];
}

const silent = (answers: Answers, issuer: string, error: unknown): Check => {
  const { code, words } = silenceOf(error);
  return answers.failed(`${issuer} ${words}.`, SILENCE_REMEDY[code]('OKTA_ISSUER'), code);
};

async function keysCheck({ jwks_uri: at }: Metadata, { okta, timeoutMs }: IssuerToCheck): Promise<Check> {
  const answers = answersTo('issuer.keys', 'Issuer: its signing keys');
  const remedy =
    'Check OKTA_ISSUER, and the keys at Security, API, Authorization Servers, the server, Settings.';
  try {
    const answer = await get(String(at), timeoutMs);
    const usable = [...readKeys(await answer.json()).values()].filter(({ alg }) => alg === 'RS256');
    return usable.length > 0
      ? answers.ok(`${usable.length} that can verify RS256.`)
      : answers.failed('It publishes no key that can verify RS256.', remedy, 'no_key');
  } catch (error) {
    // What came is no JSON, or no key set; everything else is an answer that did not come.
    const unreadable =
      error instanceof SyntaxError || (error instanceof TypeError && error.cause === undefined);
    return unreadable
      ? answers.failed('Its key set cannot be read.', remedy, 'no_keys')
      : silent(answers, okta.issuer, error);
  }
}

function audienceChecks({ audience, issuer, orgUrl }: IssuerToCheck['okta']): Check[] {
  if (audience !== issuer && audience !== orgUrl) return [];
  return [
    answersTo('issuer.audience', 'Issuer: the audience').warning(
      `OKTA_AUDIENCE is an address of Okta (${audience}).`,
      'Set OKTA_AUDIENCE to the Audience of the server, as Security, API, Authorization Servers shows it.',
    ),
  ];
}

/**
 * The app that people sign in with: whether Okta takes its id and secret, and has our redirect addresses.
 */
async function loginChecks(metadata: Metadata, what: IssuerToCheck): Promise<Check[]> {
  const client = answersTo('login.client', 'Login app: its id and secret');
  const { login } = what.okta;
  if (login == null)
    return [
      client.warning(
        'OKTA_LOGIN_CLIENT_ID is not set: nobody can sign in here with a browser, and what needs step-up is refused.',
        'After bootstrap create the login app (docs/okta-setup.md, section 3) and set OKTA_LOGIN_CLIENT_ID.',
      ),
    ];
  try {
    const known = await clientCheck(client, metadata, login, what);
    if (known.status === 'failed') return [known];
    const redirects = what.tenants
      .slice(0, MAX_TENANTS)
      .flatMap((tenant) =>
        ['step-up', 'oauth2'].map((kind) => `${what.publicUrl}/t/${tenant}/${kind}/callback`),
      );
    return [known, ...(await redirectChecks(metadata, login.clientId, redirects, what.timeoutMs))];
  } catch (error) {
    return [silent(client, what.okta.issuer, error)];
  }
}

/** The redirect addresses of so many organisations are asked about. */
const MAX_TENANTS = 5;

type Login = NonNullable<OktaConfig['login']>;

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Whether a secret may be sent there: to the issuer's own origin, by https or on this machine. */
function takesSecrets(at: unknown, issuer: string): at is string {
  if (typeof at !== 'string' || !URL.canParse(at)) return false;
  const { protocol, hostname, origin } = new URL(at);
  return origin === new URL(issuer).origin && (protocol === 'https:' || LOOPBACK.has(hostname));
}

/**
 * Introspection authenticates the client before it looks at the token (RFC 7662 section 2.3), and a token
 * that is none changes nothing. Nothing is sent to an address that the issuer does not own.
 */
async function clientCheck(
  answers: Answers,
  { introspection_endpoint: at }: Metadata,
  login: Login,
  { okta: { issuer }, timeoutMs }: IssuerToCheck,
): Promise<Check> {
  if (!takesSecrets(at, issuer))
    return answers.failed(
      `They were not sent: the metadata of ${issuer} names ${oneLine(String(at)).slice(0, 200)} for introspection, which is not an https address of the issuer's own.`,
      'Check OKTA_ISSUER, and proxies between this machine and it: Okta names addresses under the Issuer URI.',
      'other_origin',
    );
  const form = new URLSearchParams({ token: 'none', token_type_hint: 'access_token' });
  const headers: Record<string, string> = {};
  if (login.clientSecret === null) form.set('client_id', login.clientId);
  else {
    const pair = [login.clientId, login.clientSecret].map(encodeURIComponent).join(':');
    headers['authorization'] = `Basic ${Buffer.from(pair).toString('base64')}`;
  }
  const answer = await fetch(at, {
    method: 'POST',
    headers,
    body: form,
    redirect: 'manual',
    signal: AbortSignal.timeout(timeoutMs),
  });
  if (answer.status === 200) return answers.ok('Okta takes them.');
  return answer.status === 401 || answer.status === 400
    ? answers.failed(
        `Okta does not take them (${answer.status}).`,
        'Check OKTA_LOGIN_CLIENT_ID and OKTA_LOGIN_CLIENT_SECRET against the app; leave the secret out only if the app uses PKCE alone.',
        'invalid_client',
      )
    : answers.warning(
        `Okta answered ${answer.status} when asked about the app.`,
        'Try again in a minute; if it stays so, look at the System Log.',
      );
}

/**
 * A sign-in that may show nothing (`prompt=none`) ends at once: at our address where Okta knows it, at a
 * page of Okta's where it does not.
 */
async function redirectChecks(
  { authorization_endpoint: at }: Metadata,
  clientId: string,
  redirects: readonly string[],
  timeoutMs: number,
): Promise<Check[]> {
  const answers = answersTo('login.redirects', 'Login app: its redirect addresses');
  if (redirects.length === 0) return [];
  const unknown: string[] = [];
  for (const redirect_uri of redirects) {
    const url = new URL(String(at));
    const query = {
      client_id: clientId,
      redirect_uri,
      response_type: 'code',
      scope: 'openid',
      prompt: 'none',
      state: 'check',
      nonce: 'check',
      code_challenge: 'A'.repeat(43),
      code_challenge_method: 'S256',
    };
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const answer = await get(url.href, timeoutMs);
    if (!(answer.headers.get('location') ?? '').startsWith(redirect_uri)) unknown.push(redirect_uri);
  }
  return unknown.length === 0
    ? [answers.ok('Okta knows those of this server.')]
    : [
        answers.failed(
          `Okta does not know ${unknown.join(' and ')}.`,
          'Add it in Okta: Applications, the login app, General, Sign-in redirect URIs; and assign the app to people.',
          'redirect_uri',
        ),
      ];
}

const get = (url: string, timeoutMs: number): Promise<Response> =>
  fetch(url, {
    headers: { accept: 'application/json' },
    redirect: 'manual',
    signal: AbortSignal.timeout(timeoutMs),
  });

async function objectOf(answer: Response): Promise<Record<string, unknown> | null> {
  try {
    const body: unknown = await answer.json();
    return typeof body === 'object' && body !== null && !Array.isArray(body)
      ? (body as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}
