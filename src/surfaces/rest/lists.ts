import type { z } from 'zod';
import { FINAL_STATES } from '#domain/call/call.ts';
import { authorityOf } from '#domain/group/authority.ts';
import type { TenantReader } from '#domain/context.ts';
import type { App } from '#engine/app.ts';
import { approvalView, type ApprovalView } from '#engine/approve/view.ts';
import { awaitOutcome } from '#engine/await-outcome.ts';
import { readonly } from '#engine/transact.ts';
import { Fault } from '#lib/fault.ts';
import type { Caller } from './authenticate.ts';
import type { ApprovalsQuery, CallsQuery } from './query.ts';
import { approvalPage, callPage, visibleCall, type Sight } from './store.ts';
import { approvalSummary, callDetail, callView } from './views.ts';

/** What an API key needs to see calls and approvals; it then sees everybody's. */
export const CALLS_SCOPE = 'calls:read';
/** What a person's access token needs for it (requirements D4). */
const PERSON_SCOPE = 'delegation:read';

/**
 * Whose calls the caller may see. A person needs `delegation:read` in the token (D4) and sees what concerns them, an IT admin
 * everything; an agent sees its own under its mandate. Throws Fault `forbidden` where the credential is not good for looking.
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
      `Your access token lacks the scope ${PERSON_SCOPE}. Ask for a token that has it.`,
      PERSON_SCOPE,
    );
  }
  const { roles } = await authorityOf(reader, actor.personId);
  return roles.includes('it_admin') ? { of: 'all' } : { of: 'person', personId: actor.personId };
}

const lacking = (message: string, scope: string): Fault =>
  new Fault('forbidden', message, { detail: { required_scope: scope } });

/** A page of calls, newest first. */
export async function listCalls(app: App, caller: Caller, query: z.infer<typeof CallsQuery>) {
  return readonly(app, caller.tenantId, async (reader) => {
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

/** One call; with `waitMs`, as soon as it has ended, within that time. Fault `not_found` where there is none that the caller may see. */
export async function showCall(app: App, caller: Caller, id: string, waitMs: number, signal: AbortSignal) {
  const read = () =>
    readonly(app, caller.tenantId, async (reader) => {
      const call = await visibleCall(reader, await sightOf(reader, caller), id);
      if (call === null) throw new Fault('not_found', 'There is no such call here, or not for you.');
      return { ended: FINAL_STATES.has(call.state), detail: await callDetail(app.baseUrl, reader, call) };
    });
  const now = await read();
  if (now.ended || waitMs === 0) return now.detail;
  await awaitOutcome(app, caller.tenantId, id, waitMs, signal);
  return (await read()).detail;
}

/** How many approvals are looked at for one page, at most: a page may be shorter than asked though more follows. */
const MAX_LOOKED_AT = 300;

/** A page of approvals, newest first: those of calls that the caller may see, and those that a person may decide or has decided. */
export async function listApprovals(app: App, caller: Caller, query: z.infer<typeof ApprovalsQuery>) {
  return readonly(app, caller.tenantId, async (reader) => {
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

/** One approval. Fault `not_found` in the same words for one that is not there and one that is not the caller's to see. */
export async function showApproval(app: App, caller: Caller, id: string) {
  return readonly(app, caller.tenantId, async (reader) => {
    const sight = await sightOf(reader, caller);
    const [row] = await approvalPage(reader, sight, { id }, { before: undefined, limit: 1 });
    const view = row === undefined ? null : await approvalView(reader, id);
    if (row === undefined || view === null || !(row.concerned || isAsked(view, sight)))
      throw new Fault('not_found', 'There is no such approval here, or not for you.');
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
