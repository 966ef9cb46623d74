import { asFault, type FaultCode } from '#lib/fault.ts';
import { newId } from '#lib/id.ts';
import type { Logger } from '#lib/log.ts';
import type { Answer } from './contract.ts';

// What a model may do after each fault. `denied`: stop. `failed` and not retryable: change the input.
const FAULTS = {
  invalid_input: { status: 'failed', retryable: false },
  unauthenticated: { status: 'denied', retryable: false },
  forbidden: { status: 'denied', retryable: false },
  not_found: { status: 'failed', retryable: false },
  conflict: { status: 'failed', retryable: false },
  rate_limited: { status: 'failed', retryable: true },
  unavailable: { status: 'failed', retryable: true },
  internal: { status: 'failed', retryable: false },
} as const satisfies Record<FaultCode, Pick<Answer, 'status' | 'retryable'>>;

/**
 * The answer for an error that a tool threw. An unexpected error is logged under an id, which the answer
 * contains; its cause is never shown.
 */
export function answerOf(error: unknown, log: Logger): Answer {
  const fault = asFault(error);
  const { problems, provider, retry_after_seconds: after } = fault.detail;
  const answer: Answer = {
    ...FAULTS[fault.code],
    call_id: null,
    code: fault.code,
    reason: fault.message,
    ...(problems === undefined ? {} : { problems: [...problems] }),
    ...(provider === undefined ? {} : { provider }),
    ...(after === undefined ? {} : { retry_after_seconds: after }),
  };
  if (fault.code !== 'internal') return answer;
  const errorId = newId('err');
  log.error({ err: fault.cause, error_id: errorId }, 'a tool called over MCP failed');
  return { ...answer, error_id: errorId };
}
