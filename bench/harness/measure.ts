import { setTimeout as sleep } from 'node:timers/promises';
import type { FloorCrypto } from '../processes/floor.ts';
import type { Answer, LoadRequest, LoadResult } from '../processes/load.ts';
import type { Stage } from './stage.ts';

/** One round: CPU microseconds per operation of both sides, measured within about a second of each other. */
export interface Round {
  readonly ours: number;
  readonly floor: number;
}

/** How many operations a benchmark runs. */
export interface Amount {
  /** Before anything is measured, so that V8 has compiled the hot code. */
  readonly warmUp: number;
  /**
   * How often the warm-up is sent. Some code is compiled only after ten thousand requests. More than once is
   * possible only if requests may be repeated.
   */
  readonly warmUps?: number;
  readonly perRound: number;
  readonly rounds: number;
}

/** The result of a run over HTTP. */
export interface HttpRun {
  readonly rounds: readonly Round[];
  /** Of our last round. */
  readonly wall: LoadResult;
}

const CONNECTIONS = 32;
// An echo is so cheap that it is requested more often, for the same precision.
const ECHOES = 2;
// Both sides get their requests at the same times, at this share of what the slower side can do. At full
// speed the cheap side would get many requests in one turn of its event loop and the expensive side few, and
// the ratio would show how busy the machine is.
const PACE = 0.4;

/** The amount at this scale, with at least two operations and one round. */
export function scaled({ warmUp, warmUps = 1, perRound, rounds }: Amount, scale: number): Amount {
  const of = (count: number) => Math.max(2, Math.round(count * scale));
  return {
    warmUp: of(warmUp),
    warmUps: scale >= 1 ? warmUps : 1,
    perRound: of(perRound),
    rounds: scale >= 1 ? rounds : Math.max(1, Math.ceil(rounds * scale)),
  };
}

/** How many different requests a run needs. */
export const requestsNeeded = ({ warmUp, perRound, rounds }: Amount): number => warmUp + perRound * rounds;

/** Another server that gets the same requests. `times`: how often each is sent, more often if it is cheap. */
interface Other {
  readonly child: { ask(method: 'cpu', input: null): Promise<number> };
  readonly times: number;
  /** Its origin, given our answer to the warm-up. */
  origin(answer: Answer): Promise<string>;
}

/**
 * Sends every request once to our server, and each slice several times to the floor, alternating. The floor
 * answers with our answer's bytes, after the operations of `crypto`. `between` runs once per round, while
 * nothing else runs.
 */
export const measureHttp = (
  stage: Stage,
  amount: Amount,
  requests: readonly LoadRequest[],
  mustContain: string,
  {
    crypto = {},
    between = () => Promise.resolve(),
  }: { readonly crypto?: FloorCrypto; readonly between?: () => Promise<void> } = {},
): Promise<HttpRun> =>
  alternate(stage, amount, requests, mustContain, between, {
    child: stage.floor,
    times: ECHOES,
    origin: (answer) => stage.floor.ask('echo', { answer, crypto }),
  });

/** The same against a server that does the work in its own way. */
export const measureBeside = (
  stage: Stage,
  amount: Amount,
  requests: readonly LoadRequest[],
  mustContain: string,
  peer: { readonly child: Other['child']; readonly origin: string },
): Promise<HttpRun> =>
  alternate(stage, amount, requests, mustContain, () => Promise.resolve(), {
    child: peer.child,
    times: 1,
    origin: () => Promise.resolve(peer.origin),
  });

async function alternate(
  stage: Stage,
  amount: Amount,
  requests: readonly LoadRequest[],
  mustContain: string,
  between: () => Promise<void>,
  other: Other,
): Promise<HttpRun> {
  const { server, load, fixtures } = stage;
  const send = (origin: string, some: readonly LoadRequest[], perSecond: number | null) =>
    load.ask('run', { origin, requests: some, connections: CONNECTIONS, perSecond, mustContain });
  const { warmUp, warmUps = 1, perRound } = amount;
  const warm = requests.slice(0, warmUp);
  let last = await send(fixtures.url, warm, null);
  for (let time = 1; time < warmUps; time += 1) last = await send(fixtures.url, warm, null);
  const fastest = (warm.length / last.milliseconds) * 1000;
  const origin = await other.origin(last.answer);
  for (let time = 0; time < Math.max(warmUps, other.times); time += 1) last = await send(origin, warm, null);
  const pace = PACE * Math.min(fastest, (warm.length / last.milliseconds) * 1000);

  // A server that was idle while the other one was measured costs more at first.
  const again = warmUps > 1 ? warm.slice(0, Math.min(warm.length, perRound)) : [];
  const wake = async (at: string) => (again.length === 0 ? undefined : send(at, again, pace));

  const rounds: Round[] = [];
  let wall: LoadResult | null = null;
  for (let round = 0; round < amount.rounds; round += 1) {
    const slice = requests.slice(warmUp + round * perRound, warmUp + (round + 1) * perRound);
    await wake(fixtures.url);
    const ours = await cpuOf(server, async () => {
      wall = await send(fixtures.url, slice, pace);
    });
    await wake(origin);
    const theirs = await cpuOf(other.child, async () => {
      for (let time = 0; time < other.times; time += 1) await send(origin, slice, pace);
    });
    await between();
    rounds.push({ ours: ours / slice.length, floor: theirs / (slice.length * other.times) });
  }
  if (wall === null) throw new Error('no round was run');
  return { rounds, wall };
}

/**
 * The CPU microseconds that the process uses for `work`, including what it does shortly after its answers.
 */
async function cpuOf(
  child: { ask(method: 'cpu', input: null): Promise<number> },
  work: () => Promise<void>,
): Promise<number> {
  const from = await child.ask('cpu', null);
  await work();
  await sleep(20);
  return (await child.ask('cpu', null)) - from;
}

/** The middle value, or the mean of the two middle values. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  return ((low ?? Number.NaN) + (high ?? Number.NaN)) / 2;
}
