/** Which answers a client accepts (RFC 9110 section 12.5.1): JSON, a stream of events, or both. */
export type Taken = 'json' | 'events' | 'both';

const JSON_TYPE = 'application/json';
const EVENTS_TYPE = 'text/event-stream';

/**
 * The forms of an answer that the request accepts, or null for none. Clients should accept both (MCP,
 * "Sending Messages to the Server"). Many accept only one, anything, or send no Accept header; each gets what
 * it can read.
 */
export function takenBy(request: Pick<Request, 'headers'>): Taken | null {
  const ranges = (request.headers.get('accept') ?? '*/*')
    .split(',')
    .filter((range) => !/;\s*q=0(?:\.0*)?\s*$/i.test(range))
    .map((range) => range.replace(/;.*$/s, '').trim().toLowerCase());
  const takes = (type: string): boolean =>
    ranges.some((range) => range === type || range === '*/*' || range === `${type.split('/')[0]}/*`);
  if (takes(JSON_TYPE)) return takes(EVENTS_TYPE) ? 'both' : 'json';
  return takes(EVENTS_TYPE) ? 'events' : null;
}

/** The answer for a client that accepts neither form: 406. */
export const notAcceptable = (): Response =>
  Response.json(
    { jsonrpc: '2.0', error: { code: -32000, message: `Accept ${JSON_TYPE} or ${EVENTS_TYPE}.` }, id: null },
    { status: 406 },
  );

/** The same request, accepting both forms, as the SDK's handler requires. */
export function takingBoth(request: Request): Request {
  const headers = new Headers(request.headers);
  headers.set('accept', `${JSON_TYPE}, ${EVENTS_TYPE}`);
  // Copied member by member: the HTTP server's request is not an instance of this runtime's Request.
  const { url, method, body, signal } = request;
  return new Request(url, { method, headers, body, signal, duplex: 'half' });
}

/**
 * The answer in the form that the client accepts. A stream is read to its end for its result; notifications
 * in it are dropped.
 */
export async function inForm(response: Response, taken: Taken): Promise<Response> {
  const type = response.headers.get('content-type') ?? '';
  if (taken === 'json' && type.startsWith(EVENTS_TYPE)) {
    const result = messagesIn(await response.text()).at(-1);
    return result === undefined ? new Response(null, { status: 202 }) : Response.json(result, of(response));
  }
  if (taken === 'events' && response.ok && type.startsWith(JSON_TYPE)) {
    const headers = new Headers(of(response).headers);
    headers.set('content-type', EVENTS_TYPE);
    const text = JSON.stringify(await response.json());
    return new Response(`event: message\ndata: ${text}\n\n`, { status: response.status, headers });
  }
  return response;
}

/** The JSON-RPC responses among the events. Those of a batch become one array. */
function messagesIn(stream: string): unknown[] {
  const messages = stream.split(/\r?\n\r?\n/).flatMap((event) => {
    const data = event
      .split(/\r?\n/)
      .flatMap((line) => (line.startsWith('data:') ? [line.slice(5).trimStart()] : []))
      .join('\n');
    return data === '' ? [] : [JSON.parse(data) as { result?: unknown; error?: unknown }];
  });
  const answers = messages.filter((one) => one.result !== undefined || one.error !== undefined);
  return answers.length > 1 ? [answers] : answers;
}

function of({ status, headers: came }: Response): { status: number; headers: Headers } {
  const headers = new Headers(came);
  for (const name of ['content-type', 'content-length', 'x-accel-buffering', 'connection'])
    headers.delete(name);
  headers.set('cache-control', 'no-store');
  return { status, headers };
}
