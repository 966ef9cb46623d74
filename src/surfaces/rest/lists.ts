import type { z } from 'zod';
import { latestApprovals, type Parties } from '#domain/approval/list.ts';
import { agentsOwnedBy, askedParties } from '#domain/approval/parties.ts';
import { FINAL_STATES } from '#domain/call/call.ts';
import { authorityOf } from '#domain/group/authority.ts';
import type { TenantReader } from '#domain/context.ts';
import { cutPage } from '#domain/paging.ts';
import type { App } from '#engine/app.ts';
import { visibleApprovals } from '#engine/approve/list.ts';
import { approvalView, type ApprovalView } from '#engine/approve/view.ts';
import { awaitOutcome } from '#engine/await-outcome.ts';
import { browse, readonly } from '#engine/transact.ts';
import { Fault } from '#lib/fault.ts';
import type { Caller } from './authenticate.ts';
import { ApprovalsQuery, CallsQuery } from './query.ts';
import { answerOf, pageOf, route, type Patience } from './route.ts';
import { callPage, visibleCall, type Sight } from './store.ts';
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
    const { page, next } = cutPage(rows, query.limit);
    return { calls: page.map(callView), next_cursor: next };
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
    const parties = await partiesOf(reader, sight);
    const { page, next } = await visibleApprovals(reader, {
      cursor: query.cursor,
      limit: query.limit,
      personId: sight.of === 'person' ? sight.personId : null,
      candidates: (after, limit) => latestApprovals(reader, parties, { after, limit, state: query.state }),
      see: (view) =>
        maySee(view, sight) && (query.state ?? view.approval.state) === view.approval.state
          ? approvalSummary(view)
          : null,
    });
    return { approvals: page, next_cursor: next };
  });
}

/** The parties whose approvals a sight may cover; null for every approval. */
async function partiesOf(reader: TenantReader, sight: Sight): Promise<Parties> {
  if (sight.of === 'all') return null;
  if (sight.of === 'agent') return [`mandate:${sight.mandateId}`];
  const { personId } = sight;
  const [asked, owned] = await Promise.all([askedParties(reader, personId), agentsOwnedBy(reader, personId)]);
  return [`asked_by:${personId}`, `about:${personId}`, ...owned.map((id) => `agent:${id}`), ...asked];
}

/** One approval. Throws the same Fault `not_found` if it does not exist and if the caller may not see it. */
async function showApproval(app: App, caller: Caller, id: string) {
  return readonly(app, caller.tenantId, async (reader) => {
    const sight = await sightOf(reader, caller);
    const view = await approvalView(reader, id);
    if (view === null || !maySee(view, sight))
      throw new Fault('not_found', 'Approval not found, or you cannot see it.');
    return approvalSummary(view);
  });
}

/** Whether the sight covers an approval. A person may have to decide about calls that do not concern them. */
function maySee(view: ApprovalView, sight: Sight): boolean {
  const { call, agent, requirements, votes } = view;
  if (sight.of === 'all') return true;
  if (sight.of === 'agent') return call.agentId === sight.agentId && call.mandateId === sight.mandateId;
  const { personId } = sight;
  return (
    call.principalId === personId ||
    call.targets.includes(personId) ||
    agent?.owner?.id === personId ||
    requirements.some(({ eligible }) => eligible.some((person) => person.id === personId)) ||
    votes.some(({ voter }) => voter.id === personId)
  );
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
