import { z } from 'zod';
import { code, listed, sentence, strong } from '#engine/answer-words.ts';
import { approvalNumber } from '#domain/approval/number.ts';
import { pendingApprovals } from '#domain/approval/store.ts';
import { authorityOf } from '#domain/group/authority.ts';
import { namesOfPeople } from '#domain/person/names.ts';
import { yourState } from '#engine/approve/your-state.ts';
import { approvalView, approverNames, type ApprovalView } from '#engine/approve/view.ts';
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
    const seesAll =
      ctx.actor.kind === 'service' ||
      (ctx.actor.kind === 'person' &&
        (await authorityOf(ctx, ctx.actor.personId)).roles.includes('it_admin'));
    const approvals = [];
    for (const pending of await pendingApprovals(ctx, 500)) {
      if (approvals.length >= input.limit) break;
      const view = await approvalView(ctx, pending.id);
      const you = view === null ? null : roleOf(view, ctx.actor);
      if (view === null || (you === null && !seesAll)) continue;
      approvals.push({
        approval_id: pending.id,
        number: approvalNumber(pending.id),
        summary: view.call.summary,
        asked_by: view.principal?.displayName ?? view.call.actor.kind,
        asked_by_id: view.principal?.id ?? null,
        agent: view.agent?.name ?? null,
        approvers: approverNames(view),
        you: you ?? ('observer' as const),
        expires_at: pending.expiresAt.toISOString(),
      });
    }
    const names = await namesOfPeople(
      ctx,
      approvals.flatMap((one) => one.asked_by_id ?? []),
    );
    return {
      approvals: approvals.map((one) => ({
        ...one,
        asked_by: names.get(one.asked_by_id ?? '') ?? one.asked_by,
      })),
    };
  },
});

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
