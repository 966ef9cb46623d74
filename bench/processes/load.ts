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

/** Requests of one kind, of which each client sends the next in turn. */
export interface Kind {
  readonly name: string;
  /** How many of each round of a client are of this kind. */
  readonly share: number;
  readonly requests: readonly LoadRequest[];
  readonly mustContain: string;
}

interface Mix {
  readonly origin: string;
  readonly kinds: readonly Kind[];
  readonly clients: number;
  readonly seconds: number;
}

/** What became of the requests of one kind. Times in ms. */
export interface KindResult {
  readonly name: string;
  readonly count: number;
  readonly errors: number;
  /** The first wrong answer, or empty. */
  readonly wrong: string;
  readonly p50: number;
  readonly p99: number;
}

/** The methods of the load generator. */
export type LoadMethods = {
  run: (load: Load) => Promise<LoadResult>;
  /** As many clients at once, each with a connection, send one request after the other, of every kind. */
  mix: (mix: Mix) => Promise<KindResult[]>;
};

const agents = new Map<string, Agent>();

/**
 * The keep-alive connections to one origin, which stay open between calls: the benchmarks measure requests,
 * not handshakes.
 */
function agentFor(origin: string, connections: number): Agent {
  const name = `${connections} to ${origin}`;
  const kept = agents.get(name);
  if (kept !== undefined) return kept;
  const agent = new Agent({ keepAlive: true, maxSockets: connections, scheduling: 'fifo' });
  agents.set(name, agent);
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
  if (answer === null) throw new Error('no request was given');
  return { answer, milliseconds, ...quantiles(times) };
}

function quantiles(times: number[]): { p50: number; p99: number } {
  times.sort((a, b) => a - b);
  const quantile = (share: number) =>
    times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
  return { p50: quantile(0.5), p99: quantile(0.99) };
}

async function mix({ origin, kinds, clients, seconds }: Mix): Promise<KindResult[]> {
  const agent = agentFor(origin, clients);
  const seen = kinds.map(() => ({ times: [] as number[], errors: 0, wrong: '' }));
  const order = kinds.flatMap(({ share }, kind) => Array.from({ length: share }, () => kind));
  const until = performance.now() + seconds * 1000;
  let sent = 0;
  const client = async (_: unknown, start: number) => {
    for (let step = start; performance.now() < until; step += 1) {
      const at = order[step % order.length] ?? 0;
      const [kind, result] = [kinds[at], seen[at]];
      const request = kind?.requests[sent++ % kind.requests.length];
      if (kind === undefined || result === undefined || request === undefined) return;
      const from = performance.now();
      const got = await send(origin, agent, request).catch((error: unknown) => String(error));
      result.times.push(performance.now() - from);
      if (typeof got !== 'string' && got.status === 200 && got.body.includes(kind.mustContain)) continue;
      result.errors += 1;
      result.wrong ||= typeof got === 'string' ? got : `${got.status}: ${got.body.slice(0, 300)}`;
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  return kinds.map(({ name }, at) => {
    const { times = [], errors = 0, wrong = '' } = seen[at] ?? {};
    return { name, count: times.length, errors, wrong, ...quantiles(times) };
  });
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

serveParent({ run, mix } satisfies LoadMethods);
