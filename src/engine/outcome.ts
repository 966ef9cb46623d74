import type { CallError } from '#domain/call/call.ts';
import type { Call } from '#domain/call/store.ts';
import type { Denial } from '#domain/denial.ts';

/** What became of a call, the same for every interface. */
export type Outcome =
  | { readonly status: 'done'; readonly callId: string; readonly output: Readonly<Record<string, unknown>> }
  | {
      readonly status: 'waiting';
      readonly callId: string;
      readonly approvalId: string;
      readonly expiresAt: string;
    }
  | { readonly status: 'running'; readonly callId: string }
  | { readonly status: 'denied'; readonly callId: string | null; readonly denial: Denial }
  | {
      readonly status: 'rejected' | 'expired' | 'withdrawn' | 'failed' | 'unknown';
      readonly callId: string;
      readonly error: CallError;
    };

/**
 * The outcome that a call's row represents. A superseded call is shown as withdrawn, so follow `successorId`
 * first.
 */
export function outcomeOf(call: Call, approvalExpiresAt: Date | null): Outcome {
  const error = call.error ?? { code: call.state, message: `The call ended as ${call.state}.` };
  switch (call.state) {
    case 'succeeded':
      return { status: 'done', callId: call.id, output: call.result ?? {} };
    case 'waiting':
      return {
        status: 'waiting',
        callId: call.id,
        approvalId: call.approvalId ?? '',
        expiresAt: (approvalExpiresAt ?? call.createdAt).toISOString(),
      };
    case 'ready':
    case 'running':
      return { status: 'running', callId: call.id };
    case 'denied':
      return {
        status: 'denied',
        callId: call.id,
        denial: {
          code: error.code as Denial['code'],
          message: error.message,
          ...(error.detail === undefined ? {} : { missing: error.detail }),
        },
      };
    case 'superseded':
      return { status: 'withdrawn', callId: call.id, error };
    case 'rejected':
    case 'expired':
    case 'withdrawn':
    case 'failed':
    case 'unknown':
      return { status: call.state, callId: call.id, error };
  }
}
