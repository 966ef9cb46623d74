import { IncomingMessage, ServerResponse, type OutgoingHttpHeaders } from 'node:http';
import { Socket } from 'node:net';

/** A request in Node's form and the response that answers it, without a connection. */
export interface NodeExchange {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  /** The answer, after the handler has finished. Throws an Error if it did not end the response. */
  answer(): Response;
}

/**
 * Turns a web request into Node's form for `oidc-provider`, byte for byte. Host and scheme are those of
 * `issuer`, so no header can change a link or a redirect. The path is relative to the issuer's, as after
 * Express's `mount`.
 */
export function toNode(request: Request, body: Uint8Array | null, issuer: URL): NodeExchange {
  const { pathname, search } = new URL(request.url);
  const socket = Object.assign(new Socket(), { encrypted: issuer.protocol === 'https:' });
  const req = new IncomingMessage(socket);
  req.method = request.method;
  req.url = `${pathname.slice(issuer.pathname.length) || '/'}${search}`;
  Object.assign(req, { originalUrl: `${pathname}${search}` });
  for (const [name, value] of request.headers) req.headers[name] = value;
  req.headers.host = issuer.host;
  for (const name of Object.keys(req.headers)) if (name.startsWith('x-forwarded-')) delete req.headers[name];
  if (body !== null) {
    req.headers['content-length'] = String(body.byteLength);
    delete req.headers['transfer-encoding'];
    req.push(body);
  }
  req.push(null);

  const res = new ServerResponse(req);
  const chunks: Buffer[] = [];
  let ended = false;
  const take = (chunk: unknown): void => {
    if (typeof chunk === 'string' || chunk instanceof Uint8Array) chunks.push(Buffer.from(chunk));
  };
  res.write = (chunk: unknown) => {
    take(chunk);
    return true;
  };
  res.end = (chunk?: unknown) => {
    take(chunk);
    ended = true;
    return res;
  };
  return {
    req,
    res,
    answer: () => {
      if (!ended) throw new Error('the request was not answered');
      const bare = res.statusCode === 204 || res.statusCode === 304 || request.method === 'HEAD';
      return new Response(bare ? null : Buffer.concat(chunks), {
        status: res.statusCode,
        headers: webHeaders(res.getHeaders()),
      });
    },
  };
}

function webHeaders(headers: OutgoingHttpHeaders): Headers {
  const out = new Headers();
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || name === 'content-length' || name === 'transfer-encoding') continue;
    for (const one of Array.isArray(value) ? value : [String(value)]) out.append(name, one);
  }
  return out;
}
