/** How long the first repetition waits where Okta gives no usable time; doubled with each attempt, milliseconds. */
const BACKOFF_START_MS = 250;
const BACKOFF_CAP_MS = 4_000;

/** Exponential backoff with jitter, milliseconds; `attempt` counts from 0. */
export const backoffMs = (attempt: number): number =>
  Math.min(BACKOFF_CAP_MS, BACKOFF_START_MS * 2 ** attempt) * (0.75 + Math.random() / 2);

/**
 * How long to wait after a 429, in milliseconds.
 *
 * A window that is used up names its end in `X-Rate-Limit-Reset` (epoch seconds), which is read against the answer's own
 * `Date`, so that our clock does not matter. One second is added because both have a granularity of a second. A
 * concurrency limit answers with limit and remaining both 0, and there the reset is only a suggestion of up to minutes
 * (okta-sdk-nodejs #409; developer.okta.com, "Rate limits: monitor"): a short backoff is right. A header that arrived
 * twice is joined by a comma and cannot be trusted (OKTA-112507). `Retry-After` is the last resort: gateways send it.
 */
export function rateLimitWaitMs(headers: Headers, attempt: number): number {
  const concurrency =
    headers.get('x-rate-limit-limit') === '0' && headers.get('x-rate-limit-remaining') === '0';
  if (concurrency) return backoffMs(attempt);
  const reset = wholeNumber(headers.get('x-rate-limit-reset'));
  const date = Date.parse(headers.get('date') ?? '');
  if (reset !== null && !Number.isNaN(date)) return Math.max(0, reset * 1_000 - date) + 1_000;
  const retryAfter = wholeNumber(headers.get('retry-after'));
  return retryAfter === null ? backoffMs(attempt) : retryAfter * 1_000;
}

const wholeNumber = (text: string | null): number | null =>
  text !== null && /^\d{1,12}$/.test(text) ? Number(text) : null;
