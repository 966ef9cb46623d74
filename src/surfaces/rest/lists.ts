import type { z } from 'zod';
import { FINAL_STATES } from '#domain/call/call.ts';
import { authorityOf } from '#domain/group/authority.ts';
import type { TenantReader } from '#domain/context.ts';
import type { App } from '#engine/app.ts';
import { approvalView, type ApprovalView } from '#engine/approve/view.ts';
import { awaitOutcome } from '#engine/await-outcome.ts';
import { browse, readonly } from '#engine/transact.ts';
import { Fault } from '#lib/fault.ts';
import type { Caller } from './authenticate.ts';
import { ApprovalsQuery, CallsQuery } from './query.ts';
import { answerOf, pageOf, route, type Patience } from './route.ts';
import { approvalPage, callPage, visibleCall, type Sight } from './store.ts';
import { ApprovalSummary, approvalSummary, CallDetail, callDetail, CallView, callView } from './views.ts';

/** The API key scope for calls and approvals. A key with it sees those of everybody. */
export const CALLS_SCOPE = 'calls:read';
// The scope that a person's access token needs for this.
const PERSON_SCOPE = 'delegation:read';

/**
 * Which calls the caller may see. An agent sees its own under its mandate. A person needs `delegation:read`
 * in the token and sees what concerns them; an IT admin sees everything. Throws Fault `forbidden` for a
 * credential without the scope.
 */
async function sightOf(reader: TenantReader, { actor, keyScopes }: Caller): Promise<Sight> {
  if (actor.kind === 'agent') return { of: 'agent', agentId: actor.agentId, mandateId: actor.mandateId };
  if (actor.kind === 'service') {
    if (keyScopes.includes(CALLS_SCOPE)) return { of: 'all' };
    throw lacking(
      `This API key lacks the scope ${CALLS_SCOPE}. An administrator can create a key that has it.`,
      CALLS_SCOPE,
    );
  }
  if (actor.tokenScopes?.includes(PERSON_SCOPE) !== true) {
    throw lacking(
      `Your access token lacks the scope ${PERSON_SCOPE}. Get a token that has it.`,
      PERSON_SCOPE,
    );
  }
  const { roles } = await authorityOf(reader, actor.personId);
  return roles.includes('it_admin') ? { of: 'all' } : { of: 'person', personId: actor.personId };
}

const lacking = (message: string, scope: string): Fault =>
  new Fault('forbidden', message, { detail: { required_scope: scope } });

/** A page of the calls that the caller may see, newest first. Throws as `sightOf` does. */
async function listCalls(app: App, caller: Caller, query: z.infer<typeof CallsQuery>, { signal }: Patience) {
  return browse(app, caller.tenantId, signal, async (reader) => {
    const rows = await callPage(reader, await sightOf(reader, caller), query, {
      before: query.cursor,
      limit: query.limit + 1,
    });
    const page = rows.slice(0, query.limit);
    return {
      calls: page.map(callView),
      next_cursor: rows.length > page.length ? (page.at(-1)?.id ?? null) : null,
    };
  });
}

/**
 * One call. With `waitMs` (ms), waits up to that long until it has ended. Throws Fault `not_found` if the
 * caller may see no such call.
 */
async function showCall(app: App, caller: Caller, id: string, waitMs: number, signal: AbortSignal) {
  const read = () =>
    readonly(app, caller.tenantId, async (reader) => {
      const call = await visibleCall(reader, await sightOf(reader, caller), id);
      if (call === null) throw new Fault('not_found', 'Call not found, or you cannot see it.');
      return { ended: FINAL_STATES.has(call.state), detail: await callDetail(app.baseUrl, reader, call) };
    });
  const now = await read();
  if (now.ended || waitMs === 0) return now.detail;
  await awaitOutcome(app, caller.tenantId, id, waitMs, signal);
  return (await read()).detail;
}

// The most approvals examined for one page. So a page may be shorter than requested although more follow.
const MAX_LOOKED_AT = 300;

/**
 * A page of approvals, newest first: those of calls that the caller may see, and those that a person may
 * decide or has decided.
 */
async function listApprovals(
  app: App,
  caller: Caller,
  query: z.infer<typeof ApprovalsQuery>,
  { signal }: Patience,
) {
  return browse(app, caller.tenantId, signal, async (reader) => {
    const sight = await sightOf(reader, caller);
    const found: ApprovalView[] = [];
    let before = query.cursor;
    for (let seen = 0; seen < MAX_LOOKED_AT;) {
      const rows = await approvalPage(reader, sight, query, { before, limit: query.limit });
      for (const { approval, concerned } of rows) {
        before = approval.id;
        const view = await approvalView(reader, approval.id);
        if (view !== null && (concerned || isAsked(view, sight))) found.push(view);
        if (found.length === query.limit)
          return { approvals: found.map(approvalSummary), next_cursor: before };
      }
      if (rows.length < query.limit) return { approvals: found.map(approvalSummary), next_cursor: null };
      seen += rows.length;
    }
    return { approvals: found.map(approvalSummary), next_cursor: before ?? null };
  });
}

/** One approval. Throws the same Fault `not_found` if it does not exist and if the caller may not see it. */
async function showApproval(app: App, caller: Caller, id: string) {
  return readonly(app, caller.tenantId, async (reader) => {
    const sight = await sightOf(reader, caller);
    const [row] = await approvalPage(reader, sight, { id }, { before: undefined, limit: 1 });
    const view = row === undefined ? null : await approvalView(reader, id);
    if (row === undefined || view === null || !(row.concerned || isAsked(view, sight)))
      throw new Fault('not_found', 'Approval not found, or you cannot see it.');
    return approvalSummary(view);
  });
}

function isAsked(view: ApprovalView, sight: Sight): boolean {
  if (sight.of !== 'person') return false;
  const asked = view.requirements.some(({ eligible }) =>
    eligible.some((person) => person.id === sight.personId),
  );
  return asked || view.votes.some(({ voter }) => voter.id === sight.personId);
}

/** The routes of calls and approvals. */
export const CALL_ROUTES = [
  route({
    method: 'GET',
    path: '/v1/calls',
    who: 'caller',
    operationId: 'listCalls',
    summary: 'Lists calls that concern you, newest first',
    query: CallsQuery,
    answer: pageOf('calls', CallView),
    handle: ({ app, caller, query, patience }) => listCalls(app, caller, query, patience),
  }),
  route({
    method: 'GET',
    path: '/v1/calls/{id}',
    who: 'caller',
    operationId: 'showCall',
    summary: 'Returns one call with its outcome',
    waits: true,
    answer: answerOf(CallDetail),
    handle: ({ app, caller, params, patience: { waitMs, signal } }) =>
      showCall(app, caller, params.id, waitMs ?? 0, signal),
  }),
  route({
    method: 'GET',
    path: '/v1/approvals',
    who: 'caller',
    operationId: 'listApprovals',
    summary: 'Lists approvals that you requested or can decide, newest first',
    query: ApprovalsQuery,
    answer: pageOf('approvals', ApprovalSummary),
    handle: ({ app, caller, query, patience }) => listApprovals(app, caller, query, patience),
  }),
  route({
    method: 'GET',
    path: '/v1/approvals/{id}',
    who: 'caller',
    operationId: 'showApproval',
    summary: 'Returns one approval',
    answer: answerOf(ApprovalSummary),
    handle: ({ app, caller, params }) => showApproval(app, caller, params.id),
  }),
];
