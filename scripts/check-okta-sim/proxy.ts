import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Exchange, OktaSpec } from './spec.ts';

/** What was seen of one operation: how many calls, which statuses, and everything that was wrong. */
export interface OperationReport {
  readonly name: string;
  readonly operationId: string;
  calls: number;
  readonly statuses: Set<number>;
  readonly problems: Set<string>;
}

/** A proxy in front of an Okta org that checks requests and answers against Okta's OpenAPI description. */
export interface RecordingProxy {
  /** The URL to give to the client as the org's. */
  readonly url: string;
  /** By operation name. Requests that match no operation are reported under their own method and path. */
  readonly reports: ReadonlyMap<string, OperationReport>;
  readonly exchanges: readonly Exchange[];
  close(): Promise<void>;
}

/**
 * Starts the proxy on loopback in front of `target` (plain http). Only `/api/v1` is checked: tokens and
 * discovery are not part of the management API's description and pass through. In answers (bodies and
 * headers) the proxy's URL replaces the target's, so links lead through the proxy; requests keep the proxy's
 * `Host`. Credentials pass through and are not stored.
 */
export async function startRecordingProxy(target: string, spec: OktaSpec): Promise<RecordingProxy> {
  const reports = new Map<string, OperationReport>();
  const exchanges: Exchange[] = [];
  let url = '';
  const record = (exchange: Exchange): void => {
    if (!/^\/(?:api|oauth2)\/v1\/(?!token)/.test(exchange.path)) return;
    exchanges.push(exchange);
    report(spec, reports, exchange);
  };
  const server = createServer((incoming, outgoing) => {
    pass(incoming, outgoing, { target, own: url, record }).catch(() => outgoing.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    reports,
    exchanges,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function report(spec: OktaSpec, reports: Map<string, OperationReport>, exchange: Exchange): void {
  const operation = spec.match(exchange.method, exchange.path);
  const name = operation?.name ?? `${exchange.method} ${exchange.path}`;
  const entry = reports.get(name) ?? {
    name,
    operationId: operation?.operationId ?? '-',
    calls: 0,
    statuses: new Set(),
    problems: new Set(),
  };
  reports.set(name, entry);
  entry.calls += 1;
  if (exchange.status !== null) entry.statuses.add(exchange.status);
  const problems =
    operation === undefined
      ? ['the specification has no such operation']
      : [...spec.requestProblems(operation, exchange), ...spec.responseProblems(operation, exchange)];
  for (const problem of problems) entry.problems.add(problem);
}

interface Passage {
  readonly target: string;
  readonly own: string;
  /** Called before the client gets its answer, so the record always contains what the client has seen. */
  record(exchange: Exchange): void;
}

async function pass(incoming: IncomingMessage, outgoing: ServerResponse, passage: Passage): Promise<void> {
  const { target, own } = passage;
  const here = new URL(incoming.url ?? '/', own);
  const sent = await read(incoming);
  const seen = {
    method: incoming.method ?? 'GET',
    path: here.pathname,
    query: here.searchParams,
    requestBody: sent.toString('utf8'),
  };
  const answer = await forward(new URL(here.pathname + here.search, target), incoming, sent);
  if (answer === null) {
    passage.record({ ...seen, status: null, headers: {}, responseBody: '' });
    outgoing.destroy();
    return;
  }
  const body = Buffer.from(answer.body.toString('utf8').replaceAll(target, own));
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(answer.headers)) {
    if (
      ['connection', 'transfer-encoding', 'content-length', 'keep-alive'].includes(name) ||
      value === undefined
    )
      continue;
    headers[name] = String(value).replaceAll(target, own);
  }
  passage.record({ ...seen, status: answer.status, headers, responseBody: answer.body.toString('utf8') });
  outgoing.writeHead(answer.status, { ...headers, 'content-length': String(body.length) });
  outgoing.end(body);
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** The target's answer, or null if the target broke the connection. */
async function forward(url: URL, incoming: IncomingMessage, body: Buffer): Promise<Answer | null> {
  return await new Promise((resolve) => {
    const { connection: _connection, ...headers } = incoming.headers;
    const outgoing = request(url, { method: incoming.method, headers }, (answer) => {
      read(answer).then(
        (text) => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: text }),
        () => resolve(null),
      );
    });
    outgoing.on('error', () => resolve(null));
    outgoing.end(body);
  });
}

async function read(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
