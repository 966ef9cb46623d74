import { z } from 'zod';
import type { Call } from '#domain/call/store.ts';
import type { TenantReader } from '#domain/context.ts';
import { findApproval } from '#domain/approval/store.ts';
import { Envelope, envelopeOf } from '#engine/approve/envelope.ts';
import { approvalPage } from '#engine/approve/page.ts';
import { approverNames, type ApprovalView } from '#engine/approve/view.ts';
import { outcomeOf } from '#engine/outcome.ts';

const Moment = z.iso.datetime();

/**
 * A call in REST. The input is left out, since lists are shown widely and inputs are what the requester sent.
 */
export const CallView = z.object({
  id: z.string(),
  tool: z.string(),
  summary: z.string(),
  state: z.string(),
  requested_by: z.object({
    kind: z.enum(['person', 'agent', 'service']),
    principal: z.string().nullable(),
    agent: z.string().nullable(),
    mandate: z.string().nullable(),
  }),
  targets: z.array(z.string()),
  reason: z.string().nullable(),
  approval_id: z.string().nullable(),
  successor_id: z.string().nullable(),
  policies: z.array(z.string()),
  created_at: Moment,
  settled_at: Moment.nullable(),
});

/** A call with its outcome, in the form of a tool's answer. */
export const CallDetail = CallView.extend({ outcome: Envelope });

/** An approval in REST. */
export const ApprovalSummary = z.object({
  id: z.string(),
  state: z.string(),
  call: CallView,
  asked_by: z.string().nullable(),
  agent: z.object({ id: z.string(), name: z.string() }).nullable(),
  effect: z.string(),
  changes: z.array(z.object({ what: z.string(), from: z.string().optional(), to: z.string().optional() })),
  reversible: z.boolean(),
  requirements: z.array(
    z.object({ policy: z.string(), reason: z.string(), quorum: z.number(), given: z.number() }),
  ),
  approvers: z.array(z.string()),
  votes: z.array(
    z.object({ by: z.string(), vote: z.enum(['approve', 'deny']), note: z.string().nullable(), at: Moment }),
  ),
  version: z.number(),
  created_at: Moment,
  expires_at: Moment,
  decided_at: Moment.nullable(),
});

/**
 * What a call would come to (`POST /v1/tools/{name}/preview`). `changes`, `effect` and `reversible` are
 * null where they cannot be foreseen.
 */
export const PreviewView = z.object({
  tool: z.string(),
  allowed: z.boolean(),
  code: z.string().optional(),
  reason: z.string().optional(),
  approvals: z.array(
    z.object({
      policy: z.string(),
      reason: z.string(),
      quorum: z.number(),
      approvers: z.array(z.string()),
    }),
  ),
  changes: z
    .array(z.object({ what: z.string(), from: z.string().optional(), to: z.string().optional() }))
    .nullable(),
  effect: z.string().nullable(),
  reversible: z.boolean().nullable(),
});
export type PreviewView = z.infer<typeof PreviewView>;

/** Converts a call to its REST form. */
export function callView(call: Call): z.infer<typeof CallView> {
  return {
    id: call.id,
    tool: call.tool,
    summary: call.summary,
    state: call.state,
    requested_by: {
      kind: call.actor.kind,
      principal: call.principalId,
      agent: call.agentId,
      mandate: call.mandateId,
    },
    targets: call.targets,
    reason: call.reason,
    approval_id: call.approvalId,
    successor_id: call.successorId,
    policies: [...(call.decision?.policies ?? [])],
    created_at: call.createdAt.toISOString(),
    settled_at: call.settledAt?.toISOString() ?? null,
  };
}

/** Converts a call to its REST form, with its outcome. */
export async function callDetail(
  baseUrl: string,
  reader: TenantReader,
  call: Call,
): Promise<z.infer<typeof CallDetail>> {
  const approval = call.approvalId === null ? null : await findApproval(reader, call.approvalId);
  return {
    ...callView(call),
    outcome: await envelopeOf(
      (id) => approvalPage(baseUrl, call.tenantId, id),
      (work) => work(reader),
      outcomeOf(call, approval?.expiresAt ?? null),
    ),
  };
}

/** Converts an approval to its REST form. */
export function approvalSummary(view: ApprovalView): z.infer<typeof ApprovalSummary> {
  const { approval } = view;
  return {
    id: approval.id,
    state: approval.state,
    call: callView(view.call),
    asked_by: view.principal?.displayName ?? null,
    agent: view.agent === null ? null : { id: view.agent.id, name: view.agent.name },
    effect: approval.impact.effect,
    changes: approval.impact.changes.map((change) => ({ ...change })),
    reversible: approval.impact.reversible,
    requirements: view.requirements.map(({ requirement, given }) => ({
      policy: requirement.policy,
      reason: requirement.reason,
      quorum: requirement.quorum,
      given,
    })),
    approvers: approverNames(view),
    votes: view.votes.map(({ voter, vote, note, at }) => ({
      by: voter.displayName,
      vote,
      note,
      at: at.toISOString(),
    })),
    version: approval.version,
    created_at: approval.createdAt.toISOString(),
    expires_at: approval.expiresAt.toISOString(),
    decided_at: approval.decidedAt?.toISOString() ?? null,
  };
}
