import { once } from 'node:events';
import { Agent, request, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { serveParent } from '../harness/channel.ts';

/** One request as it goes over the wire, but for its host. */
export interface LoadRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** What came back, so that the floor can answer the same bytes. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

interface Load {
  /** Origin, without a trailing slash. */
  readonly origin: string;
  readonly requests: readonly LoadRequest[];
  readonly connections: number;
  /** Every answer must have this status, 200 where none is said, and this text in it; anything else fails the whole measurement. */
  readonly status?: number;
  readonly mustContain: string;
}

/** What the load generator answers. */
export interface LoadResult {
  /** The last answer. */
  readonly answer: Answer;
  /** Wall time of all requests together. */
  readonly milliseconds: number;
  /** Median and 99th percentile of one request, in milliseconds; with a full pool this is mostly queueing. */
  readonly p50: number;
  readonly p99: number;
}

/** The load generator's methods. */
export type LoadMethods = { run: (load: Load) => Promise<LoadResult> };

const agents = new Map<string, Agent>();

/** The keep-alive connections to one origin stay between calls: what is measured is requests, not handshakes. */
function agentFor(origin: string, connections: number): Agent {
  const kept = agents.get(origin);
  if (kept !== undefined) return kept;
  const agent = new Agent({ keepAlive: true, maxSockets: connections, scheduling: 'fifo' });
  agents.set(origin, agent);
  return agent;
}

async function send(
  origin: string,
  agent: Agent,
  { method, path, headers, body }: LoadRequest,
): Promise<Answer> {
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
  const sent = request(`${origin}${path}`, { agent, method, headers: { ...headers, ...length } });
  sent.end(body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  const received = await text(response);
  const kept = Object.entries(response.headers).filter(([name]) => !HOP.has(name));
  return {
    status: response.statusCode ?? 0,
    headers: Object.fromEntries(kept.map(([name, value]) => [name, String(value)])),
    body: received,
  };
}

// What Node writes by itself.
const HOP = new Set(['connection', 'keep-alive', 'date', 'transfer-encoding', 'content-length']);

async function run({ origin, requests, connections, status = 200, mustContain }: Load): Promise<LoadResult> {
  const agent = agentFor(origin, connections);
  const times: number[] = [];
  let next = 0;
  let answer: Answer | null = null;
  const work = async () => {
    for (let one = requests[next++]; one !== undefined; one = requests[next++]) {
      const from = performance.now();
      const got = await send(origin, agent, one);
      times.push(performance.now() - from);
      if (got.status !== status || !got.body.includes(mustContain)) {
        throw new Error(`${one.method} ${one.path} answered ${got.status}: ${got.body.slice(0, 400)}`);
      }
      answer = got;
    }
  };
  const from = performance.now();
  await Promise.all(Array.from({ length: connections }, work));
  const milliseconds = performance.now() - from;
  times.sort((a, b) => a - b);
  const quantile = (share: number) =>
    times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
  if (answer === null) throw new Error('no request was given');
  return { answer, milliseconds, p50: quantile(0.5), p99: quantile(0.99) };
}

serveParent({ run });
