import { Fault, type FaultCode, type ProviderAnswer } from '#lib/fault.ts';
import { rateLimitWaitMs } from './rate-limit.ts';
import type { Answer, NoAnswer } from './transport.ts';

/** What an answer means to us. */
interface Meaning {
  readonly code: FaultCode;
  /** What the reader can do next. Public. */
  readonly message: string;
  /** For `unavailable`: Okta says that it did nothing, so a change needs no second look. */
  readonly notDone?: true;
  /** For `forbidden`: what our credential lacks. */
  readonly missing?: readonly string[];
}

const CREDENTIAL_DEAD: Meaning = {
  code: 'forbidden',
  missing: ['credential'],
  message: 'The Okta credential is no longer valid. Create a new one in Okta and set it in this connection.',
};
const NO_ROLE: Meaning = {
  code: 'forbidden',
  missing: ['admin_role'],
  message:
    'Okta refused: the administrator role of our credential does not allow this, or does not cover this person or group. Assign a role that covers them to the service app (or the token’s owner).',
};
const BLOCKED: Meaning = {
  code: 'forbidden',
  message:
    'Something in front of Okta’s API refused the request. Check proxies, and whether an Okta network zone blocks the address of this server.',
  missing: ['network_access'],
};
const WRONG_STATE: Meaning = {
  code: 'conflict',
  message: 'The current state in Okta does not allow this. Check the status before you try anything else.',
};
const BAD_INPUT: Meaning = {
  code: 'invalid_input',
  message: 'Okta rejected this input. See the details.',
};
const DOWN: Meaning = {
  code: 'unavailable',
  message: 'Okta could not handle the request. Try again in a few minutes.',
};
const NOT_THE_API: Meaning = {
  code: 'unavailable',
  message:
    'The response did not come from Okta’s API. Check the organisation URL, and proxies or sign-in pages in between.',
};
const TOO_MANY: Meaning = {
  code: 'rate_limited',
  message: 'Okta’s rate limit is used up, so nothing was done. Try again later.',
};

// Okta's error codes (developer.okta.com/docs/reference/error-codes, 2026-08) and their meaning here. For
// other codes the HTTP status decides.
const MEANING_BY_ERROR_CODE = {
  E0000003: BAD_INPUT,
  E0000004: CREDENTIAL_DEAD,
  E0000005: CREDENTIAL_DEAD,
  E0000006: NO_ROLE,
  E0000007: { code: 'not_found', message: 'This object does not exist in Okta. It may have been deleted.' },
  E0000008: NOT_THE_API,
  E0000009: DOWN,
  E0000010: {
    code: 'unavailable',
    message: 'Okta is in read-only mode, so nothing was done. Try again later.',
    notDone: true,
  },
  E0000011: CREDENTIAL_DEAD,
  E0000014: WRONG_STATE,
  E0000015: {
    code: 'forbidden',
    message: 'This Okta organisation does not have the feature, or our credential cannot use it.',
  },
  E0000016: WRONG_STATE,
  E0000017: WRONG_STATE,
  E0000031: BAD_INPUT,
  E0000032: WRONG_STATE,
  E0000034: WRONG_STATE,
  E0000038: WRONG_STATE,
  E0000047: TOO_MANY,
  E0000048: { code: 'not_found', message: 'This object does not exist in Okta. It may have been deleted.' },
  E0000079: WRONG_STATE,
  E0000095: WRONG_STATE,
} satisfies Record<string, Meaning>;

// The meaning of an HTTP status when the body has no known code. A bare 404 says nothing about an object.
const MEANING_BY_STATUS = {
  400: BAD_INPUT,
  401: CREDENTIAL_DEAD,
  403: NO_ROLE,
  404: NOT_THE_API,
  409: WRONG_STATE,
  412: WRONG_STATE,
  429: TOO_MANY,
} satisfies Record<number, Meaning>;

/** What the meaning of an answer depends on in its request. */
export interface Asked {
  readonly change: boolean;
  readonly path: string;
}

/**
 * The Fault for an unsuccessful answer. `detail.provider` quotes Okta. No part of it contains a credential.
 */
export function faultOfAnswer(answer: Answer, asked: Asked): Fault {
  const said = readError(answer);
  const missing = missingScopes(answer.headers.get('www-authenticate'));
  if (missing.length > 0) return scopeFault(missing, said.provider);
  const meaning = said.json ? meaningOf(answer, said.provider.code, asked) : meaningOfPage(answer.status);
  return new Fault(meaning.code, meaning.message, {
    detail: {
      provider: said.provider,
      ...(meaning.code === 'rate_limited'
        ? { retry_after_seconds: Math.ceil(rateLimitWaitMs(answer.headers, 0) / 1_000) }
        : {}),
      ...(meaning.code === 'unavailable'
        ? { unanswered: asked.change && mayHaveHappened(answer, meaning) }
        : {}),
      ...(meaning.missing === undefined ? {} : { missing: meaning.missing }),
      ...(said.json ? {} : { reason: 'not_json' }),
    },
  });
}

/** The Fault for a success that is not JSON: a sign-in page, a captive portal, a truncated body. */
export function faultOfUnreadable(status: number, headers: Headers, asked: Asked): Fault {
  return new Fault(NOT_THE_API.code, NOT_THE_API.message, {
    detail: { provider: provider(status, headers), unanswered: asked.change, reason: 'not_json' },
  });
}

const SILENCE = {
  timeout: 'Okta did not respond in time.',
  network: 'Okta could not be reached.',
  cancelled: 'The call to Okta was cancelled.',
} satisfies Record<NoAnswer['reason'], string>;

/** The Fault for no answer: `unavailable`, with `detail.unanswered` if a change may have happened. */
export function faultOfSilence(failure: NoAnswer, asked: Asked): Fault {
  const unanswered = asked.change && failure.sent;
  const next = unanswered
    ? 'The change may or may not have happened: check the state before you try again.'
    : asked.change
      ? 'The request was not sent. Try again.'
      : 'Try again.';
  return new Fault('unavailable', `${SILENCE[failure.reason]} ${next}`, {
    detail: { unanswered, reason: failure.reason },
    ...(failure.cause === undefined ? {} : { cause: failure.cause }),
  });
}

/** Fault `forbidden`, naming the scopes that the service app lacks. */
export function scopeFault(missing: readonly string[], said: ProviderAnswer): Fault {
  return new Fault(
    'forbidden',
    `Our Okta app lacks the scope ${missing.join(', ')}. Grant it in Okta (Applications, the app, Okta API Scopes).`,
    { detail: { missing, provider: said } },
  );
}

/** Builds `detail.provider` from an answer's status and headers. The summary is cut to 500 characters. */
export const provider = (status: number, headers: Headers, code = '', summary = ''): ProviderAnswer => ({
  status,
  code,
  summary: summary.slice(0, 500),
  request_id: headers.get('x-okta-request-id') ?? '',
});

function meaningOf(answer: Answer, errorCode: string, asked: Asked): Meaning {
  // Okta answers 400 E0000001 for invalid input, and also for a lifecycle step that the status does not
  // allow.
  if (errorCode === 'E0000001' && asked.path.includes('/lifecycle/')) return WRONG_STATE;
  const byCode: Meaning | undefined = own(MEANING_BY_ERROR_CODE, errorCode);
  if (byCode !== undefined) return byCode;
  const byStatus: Meaning | undefined = own(MEANING_BY_STATUS, String(answer.status));
  if (byStatus !== undefined) return byStatus;
  return answer.status >= 500 ? DOWN : NOT_THE_API;
}

// An HTML page or plain text comes from something between us and Okta and says nothing about the object.
function meaningOfPage(status: number): Meaning {
  if (status === 401 || status === 403) return BLOCKED;
  if (status === 429) return TOO_MANY;
  return status >= 500 ? DOWN : NOT_THE_API;
}

const own = <T>(table: Readonly<Record<string, T>>, key: string): T | undefined =>
  Object.hasOwn(table, key) ? table[key] : undefined;

const mayHaveHappened = (answer: Answer, meaning: Meaning): boolean =>
  answer.status >= 500 && meaning.notDone !== true;

function readError(answer: Answer): { provider: ProviderAnswer; json: boolean } {
  const body = parse(answer.text);
  if (body === null) return { provider: provider(answer.status, answer.headers), json: answer.text === '' };
  const causes = Array.isArray(body['errorCauses'])
    ? body['errorCauses'].map(causeText).filter((one) => one !== '')
    : [];
  const summary = [text(body['errorSummary']), ...causes].join('. ');
  return { provider: provider(answer.status, answer.headers, text(body['errorCode']), summary), json: true };
}

function parse(body: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const causeText = (cause: unknown): string =>
  typeof cause === 'object' && cause !== null && 'errorSummary' in cause ? text(cause.errorSummary) : '';

// Okta says so in an empty 403: Bearer … scope="okta.users.manage", error="insufficient_scope" (RFC 6750
// section 3.1).
function missingScopes(challenge: string | null): string[] {
  if (challenge === null || !challenge.includes('insufficient_scope')) return [];
  const scopes =
    /scope="([^"]*)"/
      .exec(challenge)?.[1]
      ?.split(' ')
      .filter((one) => one !== '') ?? [];
  return scopes.length > 0 ? scopes : ['unknown'];
}
