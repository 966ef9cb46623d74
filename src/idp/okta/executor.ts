import okta from '@okta/okta-sdk-nodejs';
import { Fault } from '#lib/fault.ts';
import type { Logger } from '#lib/log.ts';
import { untilAnswered } from './attempts.ts';
import { faultOfAnswer, faultOfSilence, faultOfUnreadable, type Asked } from './errors.ts';
import type { Authorizer } from './token.ts';
import { NoAnswer, send, type Answer } from './transport.ts';

/** Options of one call. The SDK passes the request object to the executor unchanged, so they travel in it. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** How long after its start the call may begin another attempt, in ms. */
  readonly waitBudgetMs?: number | undefined;
}

/** A request as the SDK's `Http.http` builds it. */
interface SdkRequest extends CallOptions {
  readonly url: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** What an executor needs. */
export interface ExecutorOptions {
  readonly orgUrl: string;
  readonly authorizer: Authorizer;
  readonly timeoutMs: number;
  readonly waitBudgetMs: number;
  /** Aborted when the link is closed. */
  readonly closing: AbortSignal;
  readonly log?: Logger | undefined;
}

/**
 * Sends the SDK's requests in place of its own executor. Returns successes only and throws a Fault for
 * everything else.
 *
 * Sends only to the organisation's origin: a `next` link to another host is refused before a credential is
 * made. Adds the credential itself, so the SDK never holds it. Repeats what may be repeated, and gets a new
 * token once after a 401. Gives empty successes a JSON body, because the SDK throws without one.
 */
export class GatewayExecutor extends okta.RequestExecutor {
  readonly #options: ExecutorOptions;

  constructor(options: ExecutorOptions) {
    super();
    this.#options = options;
  }

  /** Sends the request. Returns a fetch `Response` with a 2xx status, or throws a Fault. */
  override async fetch(request: SdkRequest): Promise<Response> {
    const url = new URL(request.url);
    if (url.origin !== this.#options.orgUrl) throw foreign(url.origin);
    const method = (request.method ?? 'GET').toUpperCase();
    const asked: Asked = { change: method !== 'GET' && method !== 'HEAD', path: url.pathname };
    const answer = await this.#answer(request, method, asked);
    if (answer.status < 200 || answer.status > 299) throw faultOfAnswer(answer, asked);
    return asResponse(answer, asked);
  }

  async #answer(request: SdkRequest, method: string, asked: Asked): Promise<Answer> {
    const { authorizer, closing, log, timeoutMs } = this.#options;
    const signals = request.signal === undefined ? [closing] : [closing, request.signal];
    const plan = {
      change: asked.change,
      budgetMs: request.waitBudgetMs ?? this.#options.waitBudgetMs,
      signals,
      log,
    };
    let authorization: Record<string, string> = {};
    const once = async (attempt: number): Promise<Answer> => {
      authorization = await unlessCancelled(authorizer.headers(method, request.url), signals);
      const startedAt = performance.now();
      const answer = await send({
        method,
        url: request.url,
        headers: { ...lowerCased(request.headers ?? {}), ...authorization },
        body: request.body,
        timeoutMs,
        signals,
      });
      log?.debug(
        {
          method,
          path: asked.path,
          status: answer.status,
          ms: Math.round(performance.now() - startedAt),
          attempt,
          request_id: answer.headers.get('x-okta-request-id'),
        },
        'okta: answered',
      );
      return answer;
    };
    try {
      const answer = await untilAnswered(plan, once);
      // A 401 proves that nothing was done, so even a change may be sent again.
      if (answer.status !== 401 || !authorizer.renew(authorization)) return answer;
      return await untilAnswered(plan, once);
    } catch (error) {
      throw error instanceof NoAnswer ? faultOfSilence(error, asked) : error;
    }
  }
}

const foreign = (origin: string): Fault =>
  new Fault(
    'unavailable',
    'Okta’s response pointed to another host, so nothing was sent there. Check that the organisation URL is the one Okta uses in its links.',
    { detail: { reason: 'foreign_origin', origin, unanswered: false } },
  );

// All callers wait for the same token, so one that cancels must not end it for the others.
async function unlessCancelled<T>(work: Promise<T>, signals: readonly AbortSignal[]): Promise<T> {
  const signal = AbortSignal.any([...signals]);
  if (signal.aborted) {
    work.catch(() => undefined);
    throw new NoAnswer('cancelled', false);
  }
  let leave = (): void => undefined;
  const cancelled = new Promise<never>((_resolve, reject) => {
    leave = () => reject(new NoAnswer('cancelled', false));
    signal.addEventListener('abort', leave, { once: true });
  });
  try {
    return await Promise.race([work, cancelled]);
  } finally {
    signal.removeEventListener('abort', leave);
  }
}

// Lower case, because two spellings of one header would be joined. The SDK's own Authorization is a dummy.
const lowerCased = (headers: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));

function asResponse(answer: Answer, asked: Asked): Response {
  const headers = new Headers(answer.headers);
  // The body is already decoded.
  headers.delete('content-encoding');
  headers.delete('content-length');
  const empty = answer.text.trim() === '';
  if (empty) headers.set('content-type', 'application/json');
  if (!(headers.get('content-type') ?? '').toLowerCase().includes('json')) {
    throw faultOfUnreadable(answer.status, answer.headers, asked);
  }
  return new Response(empty ? '{}' : answer.text, { status: empty ? 200 : answer.status, headers });
}
