import type { PersonActor } from '#domain/actor.ts';
import type { StepUp } from '#domain/sign-in/step-up.ts';
import { call } from '#engine/call.ts';
import type { Outcome } from '#engine/outcome.ts';
import { readBody } from '#lib/body.ts';
import { sameSecret } from '#lib/crypto.ts';
import { asFault, type Fault } from '#lib/fault.ts';
import { oneLine } from '#lib/sanitise.ts';
import { messagePage, nothingHere } from './pages.ts';
import { csrfOf, sightOf } from './show.ts';
import { stepUpOf, type Parts, type Visit } from './sign-in.ts';

const MAX_FORM_BYTES = 16 * 1024;

/**
 * Handles the form of the approval page: casts one vote with the same tool as every other interface, using
 * this browser's step-up. Answers with a page; throws Fault `unavailable` and unexpected errors.
 */
export async function decidePage({ app }: Parts, visit: Visit): Promise<Response> {
  const stepUp = await stepUpOf(app, visit);
  if (stepUp === null) return ended(visit.page);
  const body = await readBody(visit.request, MAX_FORM_BYTES);
  const form = new URLSearchParams(Buffer.from(body ?? []).toString());
  const csrf = csrfOf(app, visit, stepUp);
  if (!isOurs(app.baseUrl, visit.request) || !sameSecret(form.get('csrf') ?? '', csrf))
    return foreign(visit.page);
  if ((await sightOf(app, visit, stepUp)) === null) return nothingHere();
  const use = toolOf(visit, stepUp, form);
  if (use === null) return foreign(visit.page);
  try {
    const outcome = await call(app, { tenantId: visit.tenantId, actor: actorOf(stepUp), ...use });
    return drawOutcome(outcome);
  } catch (error) {
    return answerRefusal(visit.page, asFault(error));
  }
}

/** The person as an actor, with how Okta has just authenticated them. */
const actorOf = ({ id, personId, acr, amr, authTime }: StepUp): PersonActor => ({
  kind: 'person',
  surface: 'browser',
  personId,
  identity: {
    matched_by: 'okta_sign_in',
    acr,
    amr: amr.join(' '),
    auth_time: new Date(authTime * 1000).toISOString(),
  },
  stepUp: id,
});

function toolOf(
  { approvalId }: Visit,
  { version }: StepUp,
  form: URLSearchParams,
): { tool: string; input: Record<string, unknown> } | null {
  const decision = form.get('decision');
  const note = form.get('note')?.trim() ?? '';
  if (decision === 'break_glass')
    return { tool: 'approval_break_glass', input: { approval_id: approvalId, why: note, version } };
  if (decision !== 'approve' && decision !== 'deny') return null;
  const input = { approval_id: approvalId, decision, version, ...(note === '' ? {} : { note }) };
  return { tool: 'approval_decide', input };
}

/**
 * Whether the form comes from our own page. A page without a referrer sends the origin "null"; then the
 * browser's Sec-Fetch-Site decides, where it is sent.
 */
function isOurs(baseUrl: string, { headers }: Request): boolean {
  const [origin, site] = [headers.get('origin'), headers.get('sec-fetch-site')];
  const own = origin === null || origin === 'null' || origin === new URL(baseUrl).origin;
  return own && (site === null || site === 'same-origin');
}

const VOTED: Readonly<Record<string, readonly [title: string, words: string]>> = {
  approved: [
    'Approved',
    'Yours was the last approval needed. The request runs now; Slack will show the result.',
  ],
  pending: ['Your approval is recorded', 'Others must still approve before anything happens.'],
  waived: [
    'The request runs now',
    'Its approvals are waived. Everyone concerned has been notified, and another person must review this before break-glass can be used again.',
  ],
  rejected: ['Denied', 'Your denial is recorded, and the requester can read your reason.'],
};

function drawOutcome(outcome: Outcome): Response {
  if (outcome.status === 'denied') return messagePage(403, 'Not allowed', outcome.denial.message);
  // Only the output of a vote contains a state.
  const state = outcome.status === 'done' ? outcome.output['state'] : null;
  const [title, words] = VOTED[typeof state === 'string' ? state : 'waived'] ?? ['Recorded', ''];
  return messagePage(200, oneLine(title), `${words} You can close this page.`);
}

const STATUS = { forbidden: 403, conflict: 409, invalid_input: 400, not_found: 404 } as const;

function answerRefusal(page: string, fault: Fault): Response {
  if (!Object.hasOwn(STATUS, fault.code)) throw fault;
  return messagePage(
    STATUS[fault.code as keyof typeof STATUS],
    'Nothing was decided',
    problemsOf(fault),
    page,
  );
}

function problemsOf({ message, detail }: Fault): string {
  return [message, ...(detail.problems ?? []).map(({ problem }) => problem)].join(' ').trim();
}

const ended = (page: string): Response =>
  messagePage(
    403,
    'Nothing was decided',
    'Your step-up sign-in has ended: it is valid for five minutes and one decision. Sign in again to decide.',
    page,
  );

const foreign = (page: string): Response =>
  messagePage(
    403,
    'Nothing was decided',
    'This form did not come from this page. Open the page again and decide there.',
    page,
  );
