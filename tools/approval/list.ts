import { z } from 'zod';
import { pendingApprovals } from '#domain/approval/store.ts';
import { authorityOf } from '#domain/group/authority.ts';
import { approvalView, approverNames, type ApprovalView } from '#engine/approve/view.ts';
import { defineTool, IMPLIED_SCOPE, TENANT_TARGET } from '#engine/tool.ts';
import type { Actor } from '#domain/actor.ts';

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
        summary: z.string(),
        asked_by: z.string(),
        agent: z.string().nullable(),
        approvers: z.array(z.string()),
        you: z.enum(['approver', 'requester', 'observer']),
        expires_at: z.iso.datetime(),
      }),
    ),
  }),
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
        summary: view.call.summary,
        asked_by: view.principal?.displayName ?? view.call.actor.kind,
        agent: view.agent?.name ?? null,
        approvers: approverNames(view),
        you: you ?? ('observer' as const),
        expires_at: pending.expiresAt.toISOString(),
      });
    }
    return { approvals };
  },
});

function roleOf(view: ApprovalView, actor: Actor): 'approver' | 'requester' | null {
  if (actor.kind === 'service') return null;
  if (actor.kind === 'agent')
    return view.call.agentId === actor.agentId && view.call.mandateId === actor.mandateId
      ? 'requester'
      : null;
  // First: what was asked with an access token of theirs waits for their own confirmation.
  if (view.requirements.some(({ eligible }) => eligible.some((person) => person.id === actor.personId)))
    return 'approver';
  return view.call.principalId === actor.personId ? 'requester' : null;
}
