import { readFile, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { median, type Round } from './measure.ts';

/** One measurement of one benchmark. */
export interface Row {
  readonly name: string;
  /** Medians over the rounds, in microseconds. */
  readonly ours: number;
  readonly floor: number;
  /** The median of the rounds' ratios, which noise affects least. Not exactly `ours / floor`. */
  readonly ratio: number;
  readonly unit: typeof UNIT | typeof WALL_UNIT;
  /** The smallest and the largest ratio of a round: how noisy the machine was. */
  readonly spread: readonly [number, number];
  /** Other observations, for people. */
  readonly remark: string;
}

// CPU time of the process that does the work, per operation.
const UNIT = 'us CPU/op';
/** Wall-clock time of one operation, as a client sees it. */
export const WALL_UNIT = 'us/op';

/** The row of one measurement. Throws an Error without a round. */
export function rowOf(name: string, rounds: readonly Round[], remark: string, unit: Row['unit'] = UNIT): Row {
  const ratios = rounds.map(({ ours, floor }) => ours / floor);
  if (ratios.length === 0) throw new Error(`${name} has no round`);
  return {
    name,
    ours: median(rounds.map(({ ours }) => ours)),
    floor: median(rounds.map(({ floor }) => floor)),
    ratio: median(ratios),
    unit,
    spread: [Math.min(...ratios), Math.max(...ratios)],
    remark,
  };
}

const round = (value: number, digits: number): number => Number(value.toFixed(digits));

/** The row as one line of JSON: `{"name","ours","floor","ratio","unit"}`. The form is a contract. */
export const jsonLine = ({ name, ours, floor, ratio, unit }: Row): string =>
  JSON.stringify({ name, ours: round(ours, 1), floor: round(floor, 1), ratio: round(ratio, 2), unit });

/** The row for people. */
export function textLine({ name, ours, floor, ratio, unit, spread, remark }: Row): string {
  const range = `${spread[0].toFixed(2)}–${spread[1].toFixed(2)}`;
  return `${name.padEnd(22)} ${ratio.toFixed(2).padStart(6)} × floor   ${ours.toFixed(0).padStart(6)} : ${floor.toFixed(0).padStart(5)} ${unit}   rounds ${range}   ${remark}`;
}

const README = new URL('../README.md', import.meta.url);
const [BEGIN, END] = ['<!-- measured: begin -->', '<!-- measured: end -->'];

/**
 * Replaces the table between the markers of `bench/README.md`. Rows of benchmarks that did not run now are
 * kept.
 */
export async function writeReadme(rows: readonly Row[]): Promise<void> {
  const text = await readFile(README, 'utf8');
  const [start, end] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (start < 0 || end < start) throw new Error(`bench/README.md lacks its markers ${BEGIN} and ${END}`);
  const kept = new Map<string, string>();
  for (const line of text.slice(start, end).split('\n')) {
    const name = /^\| `([a-z0-9-]+)` \|/.exec(line)?.[1];
    if (name !== undefined) kept.set(name, line);
  }
  for (const row of rows) kept.set(row.name, tableLine(row));
  const table = [
    BEGIN,
    '| measure | ratio | ours | floor | rounds | measured |',
    '|---|---|---|---|---|---|',
    ...kept.values(),
  ];
  await writeFile(README, `${text.slice(0, start)}${table.join('\n')}\n${text.slice(end)}`);
}

function tableLine({ name, ours, floor, ratio, unit, spread }: Row): string {
  const where = `${new Date().toISOString().slice(0, 10)}, Node ${process.versions.node}, ${cpus().length} cores`;
  return `| \`${name}\` | **${ratio.toFixed(2)}** | ${ours.toFixed(0)} ${unit} | ${floor.toFixed(0)} ${unit} | ${spread[0].toFixed(2)}–${spread[1].toFixed(2)} | ${where} |`;
}
