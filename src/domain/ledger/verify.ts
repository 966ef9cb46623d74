import type { ReadCheckpoint } from './checkpoint.ts';
import { entryHash, GENESIS_HASH, HASH, ISO_DATE, type LedgerEntry } from './entry.ts';

/**
 * The result of verifying an exported ledger. `problems` is empty if and only if the chain is intact from its
 * first line to its last.
 */
export interface LedgerProof {
  readonly entries: number;
  readonly firstSeq: number | null;
  readonly lastSeq: number | null;
  readonly lastHash: string | null;
  readonly problems: readonly string[];
  /** Numbers of the checkpoints that agree with the export. */
  readonly confirmed: readonly number[];
}

/**
 * Verifies an export (NDJSON lines, oldest first) without a database: each entry's hash, its link to the
 * previous entry, gapless numbers, one tenant. An export may begin after entry 1, which `firstSeq` shows.
 * Only a checkpoint that is kept elsewhere proves the end: with it, missing entries or a rewritten chain are
 * problems. A checkpoint from before the beginning of the export is ignored.
 */
export function verifyLedger(
  lines: Iterable<string>,
  checkpoints: readonly ReadCheckpoint[] = [],
): LedgerProof {
  const problems: string[] = [];
  const confirmed: number[] = [];
  const expected = new Map<number, ReadCheckpoint[]>();
  for (const one of checkpoints) expected.set(one.seq, [...(expected.get(one.seq) ?? []), one]);
  const compare = (seq: number, hash: string, tenant: string) => {
    for (const one of expected.get(seq) ?? []) {
      if (one.hash === hash && one.tenant === tenant) confirmed.push(seq);
      else
        problems.push(
          `the checkpoint at entry ${seq} (${one.at}) says otherwise: this is not the same chain`,
        );
    }
  };
  let first: LedgerEntry | null = null;
  let last: LedgerEntry | null = null;
  let entries = 0;
  let lineNumber = 0;
  for (const line of lines) {
    lineNumber += 1;
    if (line.trim() === '') continue;
    const entry = parse(line);
    if (entry === null) {
      problems.push(`line ${lineNumber}: not a ledger entry`);
      continue;
    }
    entries += 1;
    if (entryHash(entry) !== entry.hash)
      problems.push(`line ${lineNumber}: entry ${entry.seq} was changed (its hash does not fit its content)`);
    if (last === null) {
      if (entry.seq === 1 && entry.prev_hash !== GENESIS_HASH)
        problems.push(`line ${lineNumber}: entry 1 does not begin a chain`);
      first = entry;
      if (entry.seq > 0) compare(entry.seq - 1, entry.prev_hash, entry.tenant);
    } else {
      if (entry.tenant !== last.tenant) problems.push(`line ${lineNumber}: entry of another tenant`);
      if (entry.seq !== last.seq + 1)
        problems.push(
          `line ${lineNumber}: entry ${last.seq + 1} is missing or out of order (found ${entry.seq})`,
        );
      if (entry.prev_hash !== last.hash)
        problems.push(`line ${lineNumber}: entry ${entry.seq} is not linked to the one before it`);
    }
    compare(entry.seq, entry.hash, entry.tenant);
    last = entry;
  }
  for (const one of checkpoints) {
    if (one.signed === false)
      problems.push(`the checkpoint at entry ${one.seq} (${one.at}) is not signed by any of the keys`);
    if (last !== null && one.seq > last.seq)
      problems.push(
        `the checkpoint of ${one.at} saw ${one.seq} entries: those after ${last.seq} are missing from the end`,
      );
  }
  return {
    entries,
    firstSeq: first?.seq ?? null,
    lastSeq: last?.seq ?? null,
    lastHash: last?.hash ?? null,
    problems,
    confirmed,
  };
}

/**
 * The entry in a line. Null unless the line is exactly the text of an entry: every member once, of the right
 * type, and no others. Data that is not hashed must not appear to be part of the ledger, and two readers must
 * not read one line in two ways.
 */
function parse(line: string): LedgerEntry | null {
  try {
    const value = JSON.parse(line) as Record<string, unknown>;
    if (JSON.stringify(value) !== line.trim()) return null;
    const { seq, data } = value;
    const whole =
      Object.keys(value).every((name) => name in TEXTS || name === 'seq' || name === 'data') &&
      Object.entries(TEXTS).every(([name, shape]) => {
        const text = value[name];
        return typeof text === 'string' && shape.test(text);
      }) &&
      Number.isSafeInteger(seq) &&
      typeof data === 'object' &&
      data !== null &&
      !Array.isArray(data);
    return whole ? (value as Record<string, unknown> & LedgerEntry) : null;
  } catch {
    return null;
  }
}

/**
 * The text members of an entry, with their forms. They are shown on terminals, so control characters are not
 * allowed.
 */
const TEXTS = {
  tenant: /^[\w.-]{1,100}$/,
  id: /^[\w.-]{1,100}$/,
  at: ISO_DATE,
  event: /^\w{1,100}$/,
  actor: /^/,
  prev_hash: HASH,
  hash: HASH,
} as const satisfies Record<Exclude<keyof LedgerEntry, 'seq' | 'data'>, RegExp>;
