import type { App as BoltApp, AckFn, Receiver } from '@slack/bolt';
import { AuthorizationError, ReceiverMultipleAckError } from '@slack/bolt';
import { Fault } from '#lib/fault.ts';
import type { Logger } from '#lib/log.ts';
import type { Taken } from '../intake.ts';
import { textIn, type Wire } from '../wire.ts';
import { addresseeOf, onceKeys } from './envelope.ts';
import {
  isRejection,
  isSslCheck,
  MIN_SIGNING_SECRET,
  parseBody,
  signedBody,
  verifySignature,
  type Rejection,
} from './request.ts';

/** Slack shows an error to the person after this long. */
const ACK_MS = 3000;

export interface ReceiverOptions {
  readonly signingSecrets: readonly string[];
  readonly teamId: string;
  readonly appId: string;
  readonly log: Logger;
  readonly now: () => Date;
  /**
   * Takes the request in, so that it is done also where this process dies after the acknowledgement; null
   * where a key was spent before, by any process.
   */
  take(keys: readonly string[], body: Wire): Promise<Taken | null>;
  /** Runs the work of what was taken in, and forgets it after. */
  run(id: string | null, work: () => Promise<void>): Promise<void>;
}

/** Bolt's receiver as one function from request to response, so that it mounts in any server. */
export interface FetchReceiver extends Receiver {
  handle(request: Request): Promise<Response>;
  /** Does again what was taken in and never finished. Nobody waits for its acknowledgement any more. */
  resume(body: Wire, intake: string): Promise<void>;
  /** Waits for the work that goes on after acknowledgements. */
  drain(): Promise<void>;
}

/** What a listener finds in Bolt's context about the request that it answers. */
export interface IntakeContext {
  readonly intake: string | null;
  /** Whether the acknowledgement is over already: what a form would have shown must be told. */
  readonly late: boolean;
}

/**
 * Takes Slack's requests: size, signature in both directions of time, replay, media type, addressee, and only
 * then Bolt. The response is the acknowledgement, at the latest after three seconds. Throws RangeError for a
 * signing secret that is too short to be one. A replayed or repeated request is acknowledged and not
 * processed.
 */
export function createReceiver(options: ReceiverOptions): FetchReceiver {
  const { signingSecrets, log } = options;
  if (signingSecrets.length === 0 || signingSecrets.some((secret) => secret.length < MIN_SIGNING_SECRET)) {
    throw new RangeError(
      'SLACK_SIGNING_SECRET is missing or too short: copy it from "Basic Information" of the Slack app.',
    );
  }
  let bolt: BoltApp | null = null;
  const running = new Set<Promise<void>>();

  async function handle(request: Request): Promise<Response> {
    const bytes = await signedBody(request);
    if (isRejection(bytes)) return refuse(bytes);
    const type = request.headers.get('content-type');
    if (request.headers.get('x-slack-signature') === null && isSslCheck(type, bytes))
      return new Response(null, { status: 200 });
    const verified = verifySignature(request.headers, bytes, signingSecrets, options.now().getTime());
    if (isRejection(verified)) return refuse(verified);
    const parsed = parseBody(type, bytes);
    if (isRejection(parsed)) return refuse(parsed);
    const { body, kind } = parsed;
    if (kind === 'form' && body['ssl_check'] !== undefined) return new Response(null, { status: 200 });
    if (kind === 'json' && body['type'] === 'url_verification')
      return Response.json({ challenge: textIn(body, 'challenge') });
    const { teamId, appId } = addresseeOf(body);
    if (teamId !== options.teamId || appId !== options.appId)
      return refuse({ status: 403, error: 'not_installed_here' });
    return dispatch(request, verified.signature, body);
  }

  async function dispatch(request: Request, signature: string, body: Wire): Promise<Response> {
    let taken: Taken;
    try {
      const first = await options.take(onceKeys(signature, body), body);
      if (first === null) return new Response(null, { status: 200 });
      taken = first;
    } catch (error) {
      log.error(
        { reason: error instanceof Error ? error.message : typeof error },
        'slack: it is not known whether this was seen before, so nothing is processed',
      );
      // A fault says what to do; a command is the one request whose answer people can read.
      if (error instanceof Fault && textIn(body, 'command') !== '')
        return Response.json({ response_type: 'ephemeral', text: error.message });
      return refuse({ status: 503, error: 'unavailable' });
    }
    const retry = request.headers.get('x-slack-retry-num');
    return new Promise((resolve) => {
      let answered = false;
      const answer = (response: Response) => {
        if (!answered) resolve(response);
        answered = true;
      };
      const timer = setTimeout(() => {
        log.warn(
          { type: textIn(body, 'type') || 'command' },
          'slack: nothing acknowledged the request within three seconds',
        );
        answer(refuse({ status: 404, error: 'not_acknowledged' }));
      }, ACK_MS);
      const ack: AckFn<unknown> = async (response) => {
        if (answered) throw new ReceiverMultipleAckError();
        answer(acknowledgement(response));
      };
      const context: IntakeContext = { intake: taken.id, late: false };
      const work = options
        .run(taken.id, async () => {
          const event = { body: { ...body }, ack, customProperties: { ...context } };
          answer(await processed(retry === null ? event : { ...event, retryNum: Number(retry) }));
        })
        .catch((error: unknown) =>
          log.error(
            { reason: error instanceof Error ? error.message : typeof error },
            'slack: a request that is done could not be forgotten',
          ),
        )
        .finally(() => clearTimeout(timer));
      running.add(work);
      void work.finally(() => running.delete(work));
    });
  }

  /** What to answer where nothing was acknowledged though all listeners are through. */
  async function processed(event: Parameters<BoltApp['processEvent']>[0]): Promise<Response> {
    try {
      await bolt?.processEvent(event);
      return refuse({ status: 404, error: 'not_acknowledged' });
    } catch (error) {
      const unauthorized = error instanceof AuthorizationError;
      return refuse(
        unauthorized ? { status: 401, error: 'not_authorized' } : { status: 500, error: 'internal' },
      );
    }
  }

  return {
    init: (app) => void (bolt = app),
    start: () => Promise.resolve(),
    stop: () => drain(),
    handle,
    resume: async (body, intake) => {
      const context: IntakeContext = { intake, late: true };
      await bolt?.processEvent({
        body: { ...body },
        ack: () => Promise.resolve(),
        customProperties: { ...context },
      });
    },
    drain,
  };

  async function drain(): Promise<void> {
    await Promise.allSettled(running);
  }
}

function acknowledgement(response: unknown): Response {
  if (response === undefined || response === '') return new Response(null, { status: 200 });
  return typeof response === 'string' ? new Response(response, { status: 200 }) : Response.json(response);
}

/** Slack repeats only what may succeed later. */
const refuse = ({ status, error }: Rejection): Response =>
  Response.json({ error }, { status, headers: status === 503 ? {} : { 'x-slack-no-retry': '1' } });
