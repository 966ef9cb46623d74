import { once } from 'node:events';
import { Agent, request, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
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
  /** Requests a second, evenly spaced, however long answers take; null: as fast as the connections allow. */
  readonly perSecond: number | null;
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

/** As many at once as there are connections: what is measured is a server that never rests. */
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

/** Each request at its moment. One that is late, since this process was held up, is sent at once. */
async function paced(requests: readonly LoadRequest[], perSecond: number, ask: Ask): Promise<void> {
  const from = performance.now();
  const asked: Promise<void>[] = [];
  for (const [nth, one] of requests.entries()) {
    const early = from + (nth * 1000) / perSecond - performance.now();
    if (early > 0) await sleep(early);
    const sent = ask(one);
    // Whoever awaits them all hears of it; until then it is no unhandled rejection.
    sent.catch(() => {});
    asked.push(sent);
  }
  await Promise.all(asked);
}

serveParent({ run });
