import { entryHash, GENESIS_HASH, type LedgerEntry } from './entry.ts';

/** What reading an exported ledger proved. `problems` is empty exactly if the chain holds from its first line to its last. */
export interface LedgerProof {
  readonly entries: number;
  readonly firstSeq: number | null;
  readonly lastSeq: number | null;
  readonly lastHash: string | null;
  readonly problems: readonly string[];
}

/**
 * Verifies an export (NDJSON lines, oldest first) without a database: each entry's own hash, its link to the one before, gapless
 * sequence, one tenant. An export that begins later than entry 1 is taken from its first line on and says so by `firstSeq`.
 * Does not prove that the end is there: compare `lastSeq` and `lastHash` with a checkpoint kept elsewhere.
 */
export function verifyLedger(lines: Iterable<string>): LedgerProof {
  const problems: string[] = [];
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
    } else {
      if (entry.tenant !== last.tenant) problems.push(`line ${lineNumber}: entry of another tenant`);
      if (entry.seq !== last.seq + 1)
        problems.push(
          `line ${lineNumber}: entry ${last.seq + 1} is missing or out of order (found ${entry.seq})`,
        );
      if (entry.prev_hash !== last.hash)
        problems.push(`line ${lineNumber}: entry ${entry.seq} is not linked to the one before it`);
    }
    last = entry;
  }
  return {
    entries,
    firstSeq: first?.seq ?? null,
    lastSeq: last?.seq ?? null,
    lastHash: last?.hash ?? null,
    problems,
  };
}

function parse(line: string): LedgerEntry | null {
  try {
    const value = JSON.parse(line) as Partial<LedgerEntry> | null;
    const whole =
      typeof value?.seq === 'number' &&
      typeof value.hash === 'string' &&
      typeof value.prev_hash === 'string' &&
      typeof value.tenant === 'string';
    return whole ? (value as LedgerEntry) : null;
  } catch {
    return null;
  }
}
