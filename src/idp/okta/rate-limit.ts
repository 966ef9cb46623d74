// The first wait, in ms, if Okta names no usable time. It doubles with each attempt.
const BACKOFF_START_MS = 250;
const BACKOFF_CAP_MS = 4_000;

/** Exponential backoff with jitter, in ms. `attempt` counts from 0. */
export const backoffMs = (attempt: number): number =>
  Math.min(BACKOFF_CAP_MS, BACKOFF_START_MS * 2 ** attempt) * (0.75 + Math.random() / 2);

/**
 * How long to wait after a 429, in ms.
 *
 * If the window is used up, `X-Rate-Limit-Reset` names its end in epoch seconds. It is compared with the
 * answer's own `Date`, so our clock does not matter. One second is added because both have a resolution of
 * one second.
 *
 * A concurrency limit answers with limit and remaining both 0. Its reset is only a suggestion of up to
 * minutes (okta-sdk-nodejs #409; developer.okta.com, "Rate limits: monitor"), so a short backoff is used. A
 * header that arrives twice is joined by a comma and is ignored (OKTA-112507). `Retry-After`, which gateways
 * send, is the last resort.
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
