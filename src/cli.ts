#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { verifyLedger } from '#domain/ledger/verify.ts';

const HELP = `Usage: prokura <command>

  verify-ledger FILE    reads an exported ledger (NDJSON; - for standard input) and proves, without a database,
                        that no entry was changed, removed or reordered. Exit 0: the chain holds; 1: it does not.
  help                  this text
`;

/** Runs one command; the answer is the process's exit code. */
export function main(args: readonly string[], out: (text: string) => void): number {
  const [command, file] = args;
  if (command === 'verify-ledger') {
    if (file === undefined) {
      out(`verify-ledger needs a file.\n\n${HELP}`);
      return 2;
    }
    return verify(file, out);
  }
  out(
    command === undefined || command === 'help' || command === '--help'
      ? HELP
      : `There is no command "${command}".\n\n${HELP}`,
  );
  return command === 'help' || command === '--help' ? 0 : 2;
}

function verify(file: string, out: (text: string) => void): number {
  let text: string;
  try {
    text = readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    out(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}\n`);
    return 2;
  }
  const proof = verifyLedger(text.split('\n'));
  if (proof.entries === 0) {
    out('No entries: this is no export of a ledger.\n');
    return 1;
  }
  out(`${proof.entries} entries, ${proof.firstSeq} to ${proof.lastSeq}, last hash ${proof.lastHash}\n`);
  if (proof.firstSeq !== 1)
    out(`The export begins at entry ${proof.firstSeq}: what came before is not proved.\n`);
  for (const problem of proof.problems) out(`PROBLEM ${problem}\n`);
  out(
    proof.problems.length === 0
      ? 'The chain holds. Compare the last hash with a checkpoint kept elsewhere to prove that no tail is missing.\n'
      : `The chain is BROKEN: ${proof.problems.length} problem(s).\n`,
  );
  return proof.problems.length === 0 ? 0 : 1;
}

if (import.meta.main)
  process.exitCode = main(process.argv.slice(2), (text) => void process.stdout.write(text));
