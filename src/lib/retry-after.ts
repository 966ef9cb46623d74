import type { Fault } from './fault.ts';

const DEFAULT_SECONDS = 5;

/**
 * How many seconds to wait before trying again, for a `Retry-After` header (RFC 9110 section 10.2.3). A
 * whole number, at least 1; 5 if the fault does not say.
 */
export function retryAfterSeconds(fault: Fault): number {
  const seconds = fault.detail.retry_after_seconds ?? DEFAULT_SECONDS;
  return Number.isFinite(seconds) ? Math.max(1, Math.ceil(seconds)) : DEFAULT_SECONDS;
}
