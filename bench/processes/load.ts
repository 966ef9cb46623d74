import { once } from 'node:events';
import { Agent, request, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { serveParent } from '../harness/channel.ts';

/** A request as it is sent, without its host. */
export interface LoadRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** What came back, so that the floor can answer with the same bytes. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

interface Load {
  /** The origin, without a trailing slash. */
  readonly origin: string;
  readonly requests: readonly LoadRequest[];
  readonly connections: number;
  /**
   * Requests per second, evenly spaced, however long answers take. Null: as fast as the connections allow.
   */
  readonly perSecond: number | null;
  /**
   * The status that every answer must have; the default is 200. Any other fails the measurement, as does an
   * answer without `mustContain`.
   */
  readonly status?: number;
  readonly mustContain: string;
}

/** The result of the load generator. */
export interface LoadResult {
  /** The last answer. */
  readonly answer: Answer;
  /** The wall-clock time of all requests together, in ms. */
  readonly milliseconds: number;
  /** Median and 99th percentile of one request, in ms. With all connections busy this is mostly queueing. */
  readonly p50: number;
  readonly p99: number;
}

/** The methods of the load generator. */
export type LoadMethods = { run: (load: Load) => Promise<LoadResult> };

const agents = new Map<string, Agent>();

/**
 * The keep-alive connections to one origin, which stay open between calls: the benchmarks measure requests,
 * not handshakes.
 */
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

// Headers that Node writes by itself.
const HOP = new Set(['connection', 'keep-alive', 'date', 'transfer-encoding', 'content-length']);

async function run(load: Load): Promise<LoadResult> {
  const { origin, requests, connections, perSecond, status = 200, mustContain } = load;
  const agent = agentFor(origin, connections);
  const times: number[] = [];
  let answer: Answer | null = null;
  const ask = async (one: LoadRequest) => {
    const from = performance.now();
    const got = await send(origin, agent, one);
    times.push(performance.now() - from);
    if (got.status !== status || !got.body.includes(mustContain)) {
      throw new Error(`${one.method} ${one.path} answered ${got.status}: ${got.body.slice(0, 400)}`);
    }
    answer = got;
  };
  const from = performance.now();
  if (perSecond === null) await asFastAsPossible(requests, connections, ask);
  else await paced(requests, perSecond, ask);
  const milliseconds = performance.now() - from;
  times.sort((a, b) => a - b);
  const quantile = (share: number) =>
    times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
  if (answer === null) throw new Error('no request was given');
  return { answer, milliseconds, p50: quantile(0.5), p99: quantile(0.99) };
}

type Ask = (request: LoadRequest) => Promise<void>;

/** Sends as many requests at once as there are connections, so the server never rests. */
async function asFastAsPossible(
  requests: readonly LoadRequest[],
  connections: number,
  ask: Ask,
): Promise<void> {
  let next = 0;
  const work = async () => {
    for (let one = requests[next++]; one !== undefined; one = requests[next++]) await ask(one);
  };
  await Promise.all(Array.from({ length: connections }, work));
}

/** Sends each request at its time. A late one, after this process was held up, is sent at once. */
async function paced(requests: readonly LoadRequest[], perSecond: number, ask: Ask): Promise<void> {
  const from = performance.now();
  const asked: Promise<void>[] = [];
  for (const [nth, one] of requests.entries()) {
    const early = from + (nth * 1000) / perSecond - performance.now();
    if (early > 0) await sleep(early);
    const sent = ask(one);
    // `Promise.all` below reports it. Until then it must not count as an unhandled rejection.
    sent.catch(() => {});
    asked.push(sent);
  }
  await Promise.all(asked);
}

serveParent({ run });
