import type { IncomingMessage, ServerResponse } from 'node:http';
import { readBody } from './body.ts';

/**
 * A request whose body has been read: the parts of HTTP that a hot endpoint needs. Web `Request` and
 * `Response` objects on top of Node's, as every web framework makes them, cost more than such an endpoint's
 * own work (decision 0017).
 */
export interface PlainRequest {
  readonly method: string;
  readonly path: string;
  /** With its question mark; empty if there is none. */
  readonly query: string;
  /** Null if it was longer than the limit. */
  readonly body: Buffer | null;
  /** A header by its lower-case name. Repeated headers are joined by a comma (RFC 9110 section 5.2). */
  header(name: string): string | null;
}

/** An answer whose body is text. */
export interface PlainAnswer {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Reads a web request, with a body of at most `maxBytes`. */
export async function plainOfWeb(request: Request, maxBytes: number): Promise<PlainRequest> {
  const { pathname, search } = new URL(request.url);
  return {
    method: request.method,
    path: pathname,
    query: search,
    body: await readBody(request, maxBytes),
    header: (name) => request.headers.get(name),
  };
}

/**
 * Reads Node's request, with a body of at most `maxBytes`. The rest of a longer body is read and
 * dropped, so that its sender can read our answer. Throws if the connection breaks. Not `readLimited`: this
 * is the hot path (decision 0017), and an async iterator costs a turn for each chunk and ends the connection.
 */
export function plainOfNode(incoming: IncomingMessage, maxBytes: number): Promise<PlainRequest> {
  const [path, query] = pathAndQuery(incoming);
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    incoming.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= maxBytes) chunks.push(chunk);
    });
    incoming.on('error', reject);
    incoming.on('end', () => {
      const [only] = chunks;
      const whole = chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks);
      resolve({
        method: incoming.method ?? '',
        path,
        query,
        body: size > maxBytes ? null : whole,
        header: (name) => {
          const value = incoming.headers[name];
          return value === undefined ? null : Array.isArray(value) ? value.join(', ') : value;
        },
      });
    });
  });
}

/**
 * Path and query of Node's request as they were sent. A target that is not in origin form (RFC 9112
 * section 3.2.1) gives an empty path.
 */
export function pathAndQuery(incoming: IncomingMessage): [path: string, query: string] {
  const target = incoming.url ?? '';
  if (!target.startsWith('/')) return ['', ''];
  const mark = target.indexOf('?');
  return mark < 0 ? [target, ''] : [target.slice(0, mark), target.slice(mark)];
}

/** The same request as a web request to `origin`, with only the headers in `names`. */
export function webOfPlain(plain: PlainRequest, origin: string, names: readonly string[]): Request {
  const headers = new Headers();
  for (const name of names) {
    const value = plain.header(name);
    if (value !== null) headers.set(name, value);
  }
  return new Request(`${origin}${plain.path}${plain.query}`, {
    method: plain.method,
    headers,
    ...(plain.body === null ? {} : { body: new Uint8Array(plain.body) }),
  });
}

/** The answer as a web response. */
export const toWeb = ({ status, headers, body }: PlainAnswer): Response =>
  new Response(body, { status, headers });

/** Sends an answer as a whole to Node's response. */
export function sendToNode({ status, headers, body }: PlainAnswer, outgoing: ServerResponse): void {
  outgoing.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) });
  outgoing.end(body);
}

/** Sends a web response to Node's response. */
export async function sendWebToNode(answer: Response, outgoing: ServerResponse): Promise<void> {
  const bytes = Buffer.from(await answer.arrayBuffer());
  outgoing.statusCode = answer.status;
  outgoing.setHeaders(answer.headers);
  outgoing.end(bytes);
}
