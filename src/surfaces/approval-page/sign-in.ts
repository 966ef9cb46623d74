import {
  addStepUp,
  presentedStepUp,
  STEP_UP_SECONDS,
  findWeakness,
  type StepUp,
} from '#domain/sign-in/step-up.ts';
import { findPersonByUid, type Person } from '#domain/person/store.ts';
import { standingOf } from '#domain/person/standing.ts';
import { issuerOf } from '#domain/token/names.ts';
import type { App } from '#engine/app.ts';
import { approvalPage } from '#engine/approve/page.ts';
import { mayOpen } from '#engine/approve/open.ts';
import { LOGIN_SECONDS, LoginFailed, type OktaLogin, type SignedIn } from '#engine/okta-login.ts';
import { readonly, transact } from '#engine/transact.ts';
import { cookie, cookieOf } from '#lib/cookies.ts';
import { isId, newSecret } from '#lib/id.ts';
import { messagePage, nothingHere } from './pages.ts';

/** What the page's handlers work with. */
export interface Parts {
  readonly app: App;
  readonly login: OktaLogin;
}

/** One request for the page of one approval. */
export interface Visit {
  readonly tenantId: string;
  readonly approvalId: string;
  readonly request: Request;
  /** The address of the page. */
  readonly page: string;
}

/** The cookie that holds this browser's step-up, on the page's path. */
export const STEP_UP_COOKIE = 'prokura_step_up';
/**
 * The cookie of the sign-in that this browser has begun; Okta's answer must belong to it. Each browser keeps
 * only the newest, since other sites' pages could otherwise begin so many that the request back is refused
 * for its length.
 */
const FLOW_COOKIE = 'prokura_flow';
const callbackAt = (app: App, tenantId: string): URL =>
  new URL(`${issuerOf(app.baseUrl, tenantId)}/step-up/callback`);

/** Sends the person to Okta, to sign in again with a second factor. */
export async function beginSignIn({ app, login }: Parts, visit: Visit): Promise<Response> {
  // Contains the approval's id, so that the answer counts for no other approval.
  const flow = `${visit.approvalId}-${newSecret(16)}`;
  try {
    const { at, kept } = await login.start(visit.tenantId, flow, 'step_up');
    const path = callbackAt(app, visit.tenantId);
    return seeOther(at.href, cookie(FLOW_COOKIE, kept, path, LOGIN_SECONDS));
  } catch (error) {
    return answerFailure(app, visit.page, error);
  }
}

/**
 * Handles Okta's answer: checks who signed in, how, and whether they may decide this approval. Sets the
 * step-up cookie and returns to the page, or answers with a page that says why not.
 */
export async function finishSignIn(
  { app, login }: Parts,
  tenantId: string,
  request: Request,
): Promise<Response> {
  const answer = new URL(request.url);
  const flow = /^((apr_[0-9a-z]{26})-[0-9a-z]{26})\./.exec(answer.searchParams.get('state') ?? '');
  const [, uid = '', approvalId = ''] = flow ?? [];
  const begun = isId('apr', approvalId) ? cookieOf(request, FLOW_COOKIE) : null;
  if (begun === null) return strange();
  const page = approvalPage(app.baseUrl, tenantId, approvalId);
  let signedIn: SignedIn;
  try {
    signedIn = await login.finish(tenantId, uid, answer, begun);
  } catch (error) {
    return answerFailure(app, page, error);
  }
  const kept = await accept(app, tenantId, approvalId, signedIn);
  if ('refusal' in kept) return kept.refusal(page);
  const headers = [
    cookie(STEP_UP_COOKIE, kept.presented, new URL(page), STEP_UP_SECONDS),
    cookie(FLOW_COOKIE, '', callbackAt(app, tenantId), 0),
  ];
  return seeOther(page, ...headers);
}

/** This browser's step-up for this approval, or null if there is none or it no longer counts. */
export async function stepUpOf(app: App, { tenantId, approvalId, request }: Visit): Promise<StepUp | null> {
  const presented = cookieOf(request, STEP_UP_COOKIE);
  const found =
    presented === null ? null : await readonly(app, tenantId, (reader) => presentedStepUp(reader, presented));
  return found?.approvalId === approvalId ? found : null;
}

type Accepted = { readonly presented: string } | { readonly refusal: (page: string) => Response };

async function accept(
  app: App,
  tenantId: string,
  approvalId: string,
  { uid, ...claims }: SignedIn,
): Promise<Accepted> {
  const weak = findWeakness(claims, app.now());
  const refused = async (reason: string, refusal: (page: string) => Response): Promise<Accepted> => {
    await app.ledgerBatch.add(tenantId, {
      event: 'identity_refused',
      actor: 'okta:step-up',
      data: {
        subject: `oidc:okta:${uid}`,
        reason,
        approval_id: approvalId,
        acr: claims.acr ?? null,
        amr: claims.amr ?? null,
      },
    });
    return { refusal };
  };
  if (weak !== null) return refused(weak, weak === 'no_second_factor' ? weakPage : oldPage);
  const answer = await transact(app, tenantId, async (ctx) => {
    // Locked until the step-up is saved, so that a hold or a logout at the same time ends it as well.
    const person = await findPersonByUid(ctx, 'okta', uid, 'share');
    const why = person === null ? 'person_unknown' : (standingOf(person)?.code ?? null);
    if (person === null || why !== null) return { why: why ?? 'person_unknown', person };
    const open = await mayOpen(app, ctx, person.id, approvalId);
    if (open === null) return { why: 'not_theirs', person };
    const presented = await addStepUp(ctx, {
      accountId: `oidc:okta:${uid}`,
      personId: person.id,
      approvalId,
      version: open.version,
      digest: open.digest,
      acr: claims.acr ?? '',
      amr: [...(claims.amr ?? [])],
      authTime: claims.authTime ?? 0,
    });
    return { presented };
  });
  if (answer.presented !== undefined) return { presented: answer.presented };
  return refused(answer.why, () => (answer.why === 'not_theirs' ? nothingHere() : outPage(answer.person)));
}

const outPage = (person: Person | null): Response =>
  messagePage(
    403,
    'You cannot decide now',
    `${person === null ? 'Your Okta account is not in the directory here yet.' : (standingOf(person)?.message ?? '')} If you have another Okta account, sign out of Okta and open the link again. Otherwise ask an IT admin.`,
  );

const weakPage = (page: string): Response =>
  messagePage(
    403,
    'A second factor is needed',
    'Okta signed you in with only one factor. This decision requires a second one, such as Okta Verify or a security key. Set one up in your Okta settings, then open the page again.',
    page,
  );

const oldPage = (page: string): Response =>
  messagePage(
    403,
    'Sign in again',
    'Okta did not ask you to sign in again, so this sign-in is not recent enough.',
    page,
  );

function answerFailure(app: App, page: string, error: unknown): Response {
  if (!(error instanceof LoginFailed)) throw error;
  app.log.info({ err: error.cause }, 'a sign-in with step-up failed');
  // OpenID Connect Core Error Code unmet_authentication_requirements 1.0.
  if (error.error === 'unmet_authentication_requirements') return weakPage(page);
  return messagePage(502, 'Okta did not sign you in', `${error.message} Nothing was decided.`, page);
}

const strange = (): Response =>
  messagePage(
    400,
    'This sign-in cannot be used here',
    'It was started in another browser, or is too old. Open the link in Slack again.',
  );

function seeOther(location: string, ...cookies: readonly string[]): Response {
  const headers = new Headers({
    location,
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
  });
  for (const one of cookies) headers.append('set-cookie', one);
  return new Response(null, { status: 303, headers });
}
