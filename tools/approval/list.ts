import { z } from 'zod';
import { code, listed, sentence, strong } from '#engine/answer-words.ts';
import { approvalNumber } from '#domain/approval/number.ts';
import { urgentApprovals, type Parties } from '#domain/approval/list.ts';
import { askedParties } from '#domain/approval/parties.ts';
import type { TenantReader } from '#domain/context.ts';
import { authorityOf } from '#domain/group/authority.ts';
import { cursorField } from '#domain/paging.ts';
import { namesOfPeople } from '#domain/person/names.ts';
import type { Person } from '#domain/person/store.ts';
import { visibleApprovals } from '#engine/approve/list.ts';
import { yourState } from '#engine/approve/your-state.ts';
import { approverNames, type ApprovalView } from '#engine/approve/view.ts';
import { defineTool, IMPLIED_SCOPE, TENANT_TARGET } from '#engine/tool.ts';
import type { Actor } from '#domain/actor.ts';

const STATES = {
  approver: 'You decide',
  voted: 'You have voted',
  requester: 'Waiting',
  observer: 'Waiting',
} as const;

export default defineTool({
  name: 'approval_list',
  title: 'List approvals',
  description:
    'Lists pending approvals, most urgent first: those you can decide and those you requested. An agent sees only the requests it made under its mandate.',
  input: z.object({
    limit: z.number().int().min(1).max(100).default(25).describe('Maximum number of approvals to return.'),
    cursor: cursorField('apr'),
  }),
  output: z.object({
    approvals: z.array(
      z.object({
        approval_id: z.string(),
        number: z.string().describe('What people call it by; two may share one.'),
        summary: z.string(),
        asked_by: z.string(),
        asked_by_id: z.string().nullable().describe('Person id; null where no person asked.'),
        agent: z.string().nullable(),
        approvers: z.array(z.string()),
        you: z
          .enum(['approver', 'voted', 'requester', 'observer'])
          .describe('What you are to it: approver while your vote is missing, voted once it is in.'),
        expires_at: z.iso.datetime(),
      }),
    ),
    next_cursor: z
      .string()
      .nullable()
      .describe('Null on the last page. If it is not null, more may follow, also after a short page.'),
  }),
  inWords: {
    lists: {
      approvals: {
        heading: 'Waiting for approval',
        state: ({ you }) => STATES[you],
        sentence: (one, { personId }) => {
          const who = one.asked_by_id === personId ? 'you' : one.asked_by;
          const through = one.agent === null ? '' : ` through agent ${one.agent}`;
          const whose =
            one.approvers.length === 0
              ? 'Nobody can decide it now'
              : `Who can decide: ${listed(one.approvers)}`;
          return sentence`${strong(one.summary)}, asked by ${who}${through}. ${whose}; it expires ${new Date(one.expires_at)}. Request ${code(one.number)}.`;
        },
        empty:
          'Nothing waits for your decision, and nothing that you asked for waits for someone else. When a request needs your approval, it comes to you here as a message.',
        details: ({ approval_id: id, you }) => (you === 'observer' ? null : id),
        buttons: [
          {
            text: 'Withdraw',
            tool: 'approval_cancel',
            input: ({ approval_id: id }) => ({ approval_id: id }),
            when: ({ asked_by_id: by }, { personId }) => by === personId,
          },
        ],
      },
    },
  },
  scope: IMPLIED_SCOPE,
  command: '/approval list',
  targets: () => TENANT_TARGET,
  effects: 'read',
  run: async (ctx, input) => {
    const parties = await partiesOf(ctx, ctx.actor);
    const { page, next } = await visibleApprovals(ctx, {
      cursor: input.cursor,
      limit: input.limit,
      personId: ctx.actor.kind === 'person' ? ctx.actor.personId : null,
      candidates: (after, limit) => urgentApprovals(ctx, parties, { after, limit }),
      see: (view) => {
        const you = roleOf(view, ctx.actor) ?? (parties === null ? ('observer' as const) : null);
        return you === null || view.approval.state !== 'pending' ? null : { view, you };
      },
    });
    const names = await namesOfPeople(
      ctx,
      page.flatMap(({ view }) => view.principal?.id ?? []),
    );
    return {
      approvals: page.map(({ view, you }) => ({
        approval_id: view.approval.id,
        number: approvalNumber(view.approval.id),
        summary: view.call.summary,
        asked_by: view.principal === null ? view.call.actor.kind : nameOf(names, view.principal),
        asked_by_id: view.principal?.id ?? null,
        agent: view.agent?.name ?? null,
        approvers: approverNames(view),
        you,
        expires_at: view.approval.expiresAt.toISOString(),
      })),
      next_cursor: next,
    };
  },
});

const nameOf = (names: ReadonlyMap<string, string>, { id, displayName }: Person): string =>
  names.get(id) ?? displayName;

/** As whom this caller may see approvals; null for every approval. */
async function partiesOf(reader: TenantReader, actor: Actor): Promise<Parties> {
  if (actor.kind === 'service') return null;
  if (actor.kind === 'agent') return [`mandate:${actor.mandateId}`];
  const { roles } = await authorityOf(reader, actor.personId);
  if (roles.includes('it_admin')) return null;
  return [`asked_by:${actor.personId}`, ...(await askedParties(reader, actor.personId))];
}

/** What this caller is to the approval; null where it is none of their business. */
function roleOf(view: ApprovalView, actor: Actor): 'approver' | 'voted' | 'requester' | null {
  if (actor.kind === 'service') return null;
  if (actor.kind === 'agent')
    return view.call.agentId === actor.agentId && view.call.mandateId === actor.mandateId
      ? 'requester'
      : null;
  const { you } = yourState(view, actor.personId);
  return you === 'observer' ? null : you;
}
