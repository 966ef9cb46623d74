import { z } from 'zod';
import type { TenantReader } from '#domain/context.ts';
import type { Outcome } from '../outcome.ts';
import { approvalView, approverNames } from './view.ts';

/**
 * The answer to a call that needs approval, and later of `approval_wait`: one shape in every state. `result`
 * is the tool's own output once it is done.
 */
export const Envelope = z.object({
  status: z.enum([
    'done',
    'pending_approval',
    'running',
    'denied',
    'expired',
    'failed',
    'cancelled',
    'unknown',
  ]),
  call_id: z.string().nullable(),
  approval_id: z.string().optional(),
  action_summary: z.string().optional(),
  approvers: z.array(z.string()).optional(),
  expires_at: z.iso.datetime().optional(),
  /** Where approvers decide it with a fresh sign-in. Present only if policy requires step-up. */
  approval_url: z.string().optional(),
  next: z
    .object({ tool: z.string(), arguments: z.record(z.string(), z.unknown()), after_seconds: z.number() })
    .optional(),
  result: z.record(z.string(), z.unknown()).optional(),
  code: z.string().optional(),
  reason: z.string().optional(),
  retryable: z.boolean().optional(),
  missing: z.record(z.string(), z.unknown()).optional(),
  provider: z.record(z.string(), z.unknown()).optional(),
  suggestion: z
    .record(z.string(), z.unknown())
    .optional()
    .describe(
      'What the person who denied it would accept. If it contains terms, approval_adopt requests exactly those.',
    ),
});

/** The shape of that answer. */
export type Envelope = z.infer<typeof Envelope>;

const STATUS = {
  done: 'done',
  waiting: 'pending_approval',
  running: 'running',
  denied: 'denied',
  rejected: 'denied',
  expired: 'expired',
  withdrawn: 'cancelled',
  failed: 'failed',
  unknown: 'unknown',
} as const satisfies Record<Outcome['status'], Envelope['status']>;

/**
 * An outcome as an envelope. Calls `read` only for a waiting outcome, to add its summary and its approvers.
 */
export async function envelopeOf(
  pageOf: (approvalId: string) => string,
  read: Read,
  outcome: Outcome,
): Promise<Envelope> {
  const envelope = draw(outcome);
  if (outcome.status !== 'waiting') return envelope;
  const view = await read((reader) => approvalView(reader, outcome.approvalId));
  if (view === null) return envelope;
  const { approval, call } = view;
  const page = approval.requirements.some((requirement) => requirement.stepUp)
    ? { approval_url: pageOf(approval.id) }
    : {};
  return { ...envelope, ...page, action_summary: call.summary, approvers: approverNames(view) };
}

type Read = <T>(work: (reader: TenantReader) => Promise<T>) => Promise<T>;

function draw(outcome: Outcome): Envelope {
  const status = STATUS[outcome.status];
  const base = { status, call_id: outcome.callId };
  switch (outcome.status) {
    case 'done':
      return { ...base, result: outcome.output };
    case 'running':
      return {
        ...base,
        retryable: false,
        reason: 'The call is running. Do not call the tool again; check the result later.',
      };
    case 'denied':
      return {
        ...base,
        code: outcome.denial.code,
        reason: outcome.denial.message,
        retryable: false,
        ...(outcome.denial.missing === undefined ? {} : { missing: { ...outcome.denial.missing } }),
      };
    case 'waiting':
      return {
        ...base,
        approval_id: outcome.approvalId,
        expires_at: outcome.expiresAt,
        next: {
          tool: 'approval_wait',
          arguments: { approval_id: outcome.approvalId, wait_seconds: 20 },
          after_seconds: 60,
        },
      };
    case 'rejected':
    case 'expired':
    case 'withdrawn':
    case 'failed':
    case 'unknown': {
      const suggestion = outcome.error.detail?.['suggestion'] as Record<string, unknown> | undefined;
      const provider = outcome.error.detail?.provider;
      return {
        ...base,
        code: outcome.error.code,
        reason: outcome.error.message,
        retryable: false,
        ...(provider === undefined ? {} : { provider }),
        ...(suggestion === undefined ? {} : { suggestion }),
      };
    }
  }
}
