import type { Grant, Provider } from 'oidc-provider';
import { clientName } from '#domain/sign-in/client-name.ts';
import { partsOfSubject, personStanding, type HotPerson } from '#domain/token/issued/client-token.ts';
import type { TokenKernel } from '#domain/token/kernel.ts';
import { issuerOf } from '#domain/token/names.ts';
import { theTenant } from '#domain/tenant/store.ts';
import type { App } from '#engine/app.ts';
import { readonly } from '#engine/transact.ts';
import { cookie, cookieOf } from '#lib/cookies.ts';
import { sameSecret } from '#lib/crypto.ts';
import { ALWAYS, inWords, type Abilities } from './abilities.ts';
import type { NodeExchange } from './bridge.ts';
import { LOGIN_SECONDS, LoginFailed, type OktaLogin } from '#engine/okta-login.ts';
import { consentPage, messagePage } from './pages.ts';
import { GRANT_DAYS, ROUTES } from './provider.ts';
import { isLocalRedirect, redirectTarget } from './redirect.ts';

/** What the steps of a sign-in work with. */
export interface InteractionParts {
  readonly app: App;
  readonly kernel: Pick<TokenKernel, 'person'>;
  readonly login: OktaLogin;
  readonly abilities: Abilities;
}

/** One step of a sign-in, in the browser that began it. */
export interface Step {
  readonly tenantId: string;
  readonly uid: string;
  readonly provider: Provider;
  readonly node: NodeExchange;
  readonly request: Request;
}

type Details = Awaited<ReturnType<Provider['interactionDetails']>>;

const param = (details: Details, name: string): string => {
  const value = details.params[name];
  return typeof value === 'string' ? value : '';
};

const STRANGE = (): Response =>
  messagePage(
    400,
    'This sign-in cannot be used here',
    'It was started in another browser, or is too old. Start again from your client.',
  );

// Holds the sign-in at Okta that this browser has begun, on the interaction's own path.
const LOGIN_COOKIE = 'prokura_login';
// Set in a browser that was signed out, until somebody signs in. Okta may still have a session, so it must
// ask again.
const SIGNED_OUT_COOKIE = 'prokura_signed_out';
const signedOutCookie = (app: App, tenantId: string, value: string, seconds: number): string =>
  cookie(SIGNED_OUT_COOKIE, value, new URL(`${issuerOf(app.baseUrl, tenantId)}/oauth2/interaction`), seconds);
/** The cookie for a browser that was just signed out. */
export const rememberSignOut = (app: App, tenantId: string): string =>
  signedOutCookie(app, tenantId, '1', GRANT_DAYS * 86_400);

const pageOf = (app: App, { tenantId, uid }: Step): URL =>
  new URL(`${issuerOf(app.baseUrl, tenantId)}/oauth2/interaction/${uid}`);

/** This browser's interaction if it is the one that the address names, or null. */
async function detailsOf({ provider, node, uid }: Step): Promise<Details | null> {
  try {
    const details = await provider.interactionDetails(node.req, node.res);
    return details.uid === uid ? details : null;
  } catch (error) {
    if (error instanceof Error && error.name === 'SessionNotFound') return null;
    throw error;
  }
}

/** The next step: the way to Okta, or the question whether the client may act for the person. */
export async function showInteraction(parts: InteractionParts, step: Step): Promise<Response> {
  const details = await detailsOf(step);
  if (details === null) return STRANGE();
  if (details.prompt.name === 'consent') return showConsent(parts, step, details);
  const again =
    cookieOf(step.request, SIGNED_OUT_COOKIE) !== null ||
    details.prompt.reasons.some((reason) => reason !== 'no_session');
  try {
    const { at, kept } = await parts.login.start(step.tenantId, step.uid, again ? 'again' : 'known');
    return seeOther(at.href, cookie(LOGIN_COOKIE, kept, pageOf(parts.app, step), LOGIN_SECONDS));
  } catch (error) {
    return answerFailedLogin(parts, error);
  }
}

/** Handles Okta's answer: finds out who the person is and whether they may sign in now. */
export async function finishLogin(parts: InteractionParts, step: Step): Promise<Response> {
  const details = await detailsOf(step);
  if (details === null || details.prompt.name !== 'login') return STRANGE();
  const answer = new URL(step.request.url);
  if (answer.searchParams.get('error') === 'access_denied') return finish(step, denied('at Okta'));
  try {
    const { uid, authTime, amr } = await parts.login.finish(
      step.tenantId,
      step.uid,
      answer,
      cookieOf(step.request, LOGIN_COOKIE),
    );
    const person = await parts.kernel.person(step.tenantId, { provider: 'okta', uid });
    const why = person === null ? UNKNOWN : personStanding(person);
    if (why !== null) return await refuse(parts, step, details, uid, why);
    const signedIn = await finish(step, {
      login: {
        accountId: `oidc:okta:${uid}`,
        remember: false,
        ...(authTime === undefined ? {} : { ts: authTime }),
        ...(amr === undefined ? {} : { amr: [...amr] }),
      },
    });
    signedIn.headers.append('set-cookie', signedOutCookie(parts.app, step.tenantId, '', 0));
    return signedIn;
  } catch (error) {
    return answerFailedLogin(parts, error);
  }
}

const UNKNOWN = {
  code: 'person_unknown',
  message: 'Your Okta account is not in the directory here yet.',
};

async function refuse(
  { app }: InteractionParts,
  { tenantId }: Step,
  details: Details,
  uid: string,
  why: { code: string; message: string },
): Promise<Response> {
  await app.ledgerBatch.add(tenantId, {
    event: 'identity_refused',
    actor: 'okta:login',
    data: { subject: `oidc:okta:${uid}`, reason: why.code, client_id: param(details, 'client_id') },
  });
  return messagePage(
    403,
    'You cannot sign in now',
    `${why.message} If you have another Okta account, sign out of Okta and start again from your client. Otherwise ask an IT admin.`,
  );
}

function answerFailedLogin({ app }: InteractionParts, error: unknown): Response {
  if (!(error instanceof LoginFailed)) throw error;
  app.log.info({ err: error.cause }, 'a login at Okta failed');
  return messagePage(502, 'Okta did not sign you in', `${error.message} Start again from your client.`);
}

async function showConsent(parts: InteractionParts, step: Step, details: Details): Promise<Response> {
  const { app } = parts;
  const person = await personOf(parts, step.tenantId, details);
  const client = await step.provider.Client.find(param(details, 'client_id'));
  if (person === null || client === undefined) return STRANGE();
  const redirectUri = param(details, 'redirect_uri');
  const describes = URL.parse(client.clientId);
  const organisation = await readonly(app, step.tenantId, async (reader) => (await theTenant(reader)).name);
  return consentPage({
    action: `${pageOf(app, step).href}/consent`,
    csrf: csrfOf(app, step),
    person: { name: person.display_name, email: person.email },
    organisation,
    client: {
      name: clientName(client.clientName ?? '') || (describes?.host ?? client.clientId),
      id: client.clientId,
      proven: describes !== null,
    },
    redirect: { ...redirectTarget(redirectUri), local: isLocalRedirect(redirectUri) },
    abilities: inWords(parts.abilities, scopesOf(details)),
    always: ALWAYS,
    days: GRANT_DAYS,
    signOut: `${issuerOf(app.baseUrl, step.tenantId)}${ROUTES.end_session}`,
  });
}

/** Handles the person's decision on our consent page. */
export async function decideConsent(
  parts: InteractionParts,
  step: Step,
  form: URLSearchParams,
): Promise<Response> {
  const details = await detailsOf(step);
  const origin = step.request.headers.get('origin');
  // A page without a referrer sends its form with the origin "null".
  const ours = origin === null || origin === 'null' || origin === new URL(parts.app.baseUrl).origin;
  if (details === null || details.prompt.name !== 'consent' || !ours) return STRANGE();
  if (!sameSecret(form.get('csrf') ?? '', csrfOf(parts.app, step))) return STRANGE();
  if (form.get('decision') !== 'approve') return finish(step, denied('here'));
  const accountId = details.session?.accountId;
  if ((await personOf(parts, step.tenantId, details)) === null || accountId === undefined) return STRANGE();

  const asked = scopesOf(details).filter((scope) => parts.abilities.has(scope));
  const openid = scopesOf(details).includes('openid');
  const chosen = asked.filter((scope) => form.getAll('scope').includes(scope));
  if (chosen.length === 0 && !openid) return finish(step, denied('to everything that was asked'));
  const { Grant } = step.provider;
  const known = details.grantId === undefined ? undefined : await Grant.find(details.grantId);
  const grant = known ?? new Grant({ accountId, clientId: param(details, 'client_id') });
  if (openid) grant.addOIDCScope('openid');
  for (const resource of resourcesOf(details)) giveOnly(grant, resource, asked, chosen);
  return finish(step, { consent: { grantId: await grant.save() } }, true);
}

/**
 * Sets the grant to what the person left of the requested scopes, whatever it held of them before. Scopes
 * that were not requested stay. Scopes that the person removed count as answered until the client asks again.
 */
function giveOnly(grant: Grant, resource: string, asked: readonly string[], chosen: readonly string[]): void {
  const held = grant.resources?.[resource]?.split(' ') ?? [];
  const left = [...new Set([...held.filter((scope) => !asked.includes(scope)), ...chosen])];
  grant.resources = { ...grant.resources, [resource]: left.join(' ') };
  delete grant.rejected?.resources?.[resource];
  const taken = asked.filter((scope) => !chosen.includes(scope));
  if (taken.length > 0) grant.rejectResourceScope(resource, taken);
}

const scopesOf = (details: Details): string[] => [...new Set(param(details, 'scope').split(' '))];

function resourcesOf({ params }: Details): string[] {
  const { resource } = params;
  return [resource].flat().filter((one) => typeof one === 'string');
}

async function personOf(
  { kernel }: InteractionParts,
  tenantId: string,
  details: Details,
): Promise<HotPerson | null> {
  const who = partsOfSubject(details.session?.accountId ?? '');
  const row = who === null ? null : await kernel.person(tenantId, who);
  return row === null || personStanding(row) !== null ? null : row;
}

const denied = (where: string) => ({
  error: 'access_denied',
  error_description: `the person denied access ${where}`,
});

/** The form's CSRF token. It is bound to the interaction, which a cookie binds to this browser. */
const csrfOf = (app: App, { tenantId, uid }: Step): string =>
  app.secrets.digest(`consent ${tenantId} ${uid}`);

async function finish(
  { provider, node }: Step,
  result: Parameters<Provider['interactionFinished']>[2],
  mergeWithLastSubmission = false,
): Promise<Response> {
  await provider.interactionFinished(node.req, node.res, result, { mergeWithLastSubmission });
  return node.answer();
}

/** A redirect with GET (303) that is not stored, with a cookie if `kept` is one. */
export const seeOther = (location: string, kept?: string): Response =>
  new Response(null, {
    status: 303,
    headers: {
      location,
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      ...(kept === undefined ? {} : { 'set-cookie': kept }),
    },
  });
