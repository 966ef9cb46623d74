import { ErrorCode } from '@slack/web-api';
import { Fault, type FaultCode } from '#lib/fault.ts';

/** How a fault begins when a person reads it; its own message says what to do next. */
const OPENINGS = {
  invalid_input: 'Check your input',
  unauthenticated: 'We do not know who you are',
  forbidden: 'Not allowed',
  not_found: 'Not found',
  conflict: 'Not possible right now',
  rate_limited: 'Too many requests',
  unavailable: 'Not available right now',
  internal: 'Something went wrong',
} as const satisfies Record<FaultCode, string>;

/**
 * A fault as a person reads it in Slack. Holds what the fault's public message holds, and an error id where
 * one was logged.
 */
export const faultText = (fault: Fault, errorId?: string): string =>
  `${OPENINGS[fault.code]}: ${fault.message}${errorId === undefined ? '' : ` (error ${errorId})`}`;

/**
 * A fault's problems, each with its path in the tool's input (`suggestion.terms.days`); empty where it has
 * none.
 */
export function problemsAt(fault: Fault): readonly (readonly [path: string, problem: string])[] {
  return (fault.detail.problems ?? []).map(({ field, problem }) => [field, problem]);
}

/** The same; what belongs to no field stands under the empty path. Never empty. */
export function problemsOf(fault: Fault): readonly (readonly [path: string, problem: string])[] {
  const problems = problemsAt(fault);
  return problems.length === 0 ? [['', fault.message]] : problems;
}

/**
 * Slack's own word for why it refused a call (`message_not_found`), or null where it did not answer at all.
 */
export function platformError(error: unknown): string | null {
  const { code, data } = (typeof error === 'object' && error !== null ? error : {}) as {
    code?: unknown;
    data?: { error?: unknown };
  };
  return code === ErrorCode.PlatformError ? String(data?.error) : null;
}

const AWAY = new Set<unknown>([ErrorCode.RequestError, ErrorCode.HTTPError, ErrorCode.RateLimitedError]);

/**
 * Slack not answering, or asking for fewer calls, as a fault that a person can do something about; null for
 * any other error.
 */
export function slackFault(error: unknown): Fault | null {
  const { code } = (typeof error === 'object' && error !== null ? error : {}) as { code?: unknown };
  return AWAY.has(code)
    ? new Fault('unavailable', 'Slack does not answer us at the moment. Try again in a minute.', {
        cause: error,
      })
    : null;
}

/** How many seconds Slack asks us to wait, where that is why it refused; null for any other error. */
export function rateLimitSeconds(error: unknown): number | null {
  const { code, retryAfter } = (typeof error === 'object' && error !== null ? error : {}) as {
    code?: unknown;
    retryAfter?: unknown;
  };
  return code === ErrorCode.RateLimitedError && typeof retryAfter === 'number' ? retryAfter : null;
}

/**
 * An error of Slack's or of its client in a word, for logs and job records: no request, no body, no token.
 */
export function slackWord(error: unknown): string {
  const { code, name } = (typeof error === 'object' && error !== null ? error : {}) as {
    code?: unknown;
    name?: unknown;
  };
  return platformError(error) ?? (typeof code === 'string' ? code : String(name));
}
