import type { Fault } from './fault.ts';

const DEFAULT_SECONDS = 5;

/** For how many seconds to wait before the same is tried again, for a `Retry-After` header (RFC 9110 section 10.2.3): a whole number, one at least. */
export function retryAfterSeconds(fault: Fault): number {
  const told = fault.detail['retry_after_seconds'];
  return typeof told === 'number' && Number.isFinite(told) ? Math.max(1, Math.ceil(told)) : DEFAULT_SECONDS;
}
