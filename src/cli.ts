#!/usr/bin/env node
import { closeSync, existsSync, openSync, readFileSync, readSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { readCheckpoint, type ReadCheckpoint } from '#domain/ledger/checkpoint.ts';
import { verifyLedger } from '#domain/ledger/verify.ts';

const HELP = `Usage: prokura <command>

  verify-ledger FILE [--checkpoint FILE|JWS]... [--jwks FILE]
                        reads an exported ledger (NDJSON; - for standard input) and proves, without a database,
                        that no entry was changed, removed or reordered. A checkpoint that was kept elsewhere (GET
                        /v1/ledger/checkpoints; its answer, or one JWS a line) proves that no tail is missing; with the
                        tenant's JWKS, that the tenant's own key signed it. Exit 0: the chain holds; 1: it does not.
  help                  this text
`;

/** Runs one command; the answer is the process's exit code. */
export function main(args: readonly string[], out: (text: string) => void): number {
  const [command, ...rest] = args;
  if (command === 'verify-ledger') return verify(rest, out);
  const asked = command === 'help' || command === '--help';
  out(command === undefined || asked ? HELP : `There is no command "${command}".\n\n${HELP}`);
  return asked ? 0 : 2;
}

/** Wrong arguments or a file that cannot be read: exit 2, and the text says which. */
class Unusable extends Error {}

function verify(args: readonly string[], out: (text: string) => void): number {
  try {
    const { file, checkpoints } = inputs(args);
    return report(verifyLedger(linesOf(file), checkpoints), checkpoints, out);
  } catch (error) {
    if (!(error instanceof Unusable)) throw error;
    out(`${error.message}\n`);
    return 2;
  }
}

function inputs(args: readonly string[]): { file: string; checkpoints: readonly ReadCheckpoint[] } {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { checkpoint: { type: 'string', multiple: true }, jwks: { type: 'string' } },
    });
    const [file, ...more] = positionals;
    if (file === undefined || more.length > 0) throw new Unusable(`verify-ledger needs one file.\n\n${HELP}`);
    const keys = values.jwks === undefined ? null : keysOf(values.jwks);
    if (keys !== null && values.checkpoint === undefined)
      throw new Unusable('--jwks is for the signature of a --checkpoint.');
    return { file, checkpoints: (values.checkpoint ?? []).flatMap((text) => checkpointsOf(text, keys)) };
  } catch (error) {
    if (error instanceof Unusable) throw error;
    throw new Unusable(`${error instanceof Error ? error.message : String(error)}\n\n${HELP}`);
  }
}

type Proof = ReturnType<typeof verifyLedger>;

function report(proof: Proof, checkpoints: readonly ReadCheckpoint[], out: (text: string) => void): number {
  if (proof.entries === 0) {
    out('No entries: this is no export of a ledger.\n');
    return 1;
  }
  out(`${proof.entries} entries, ${proof.firstSeq} to ${proof.lastSeq}, last hash ${proof.lastHash}\n`);
  if (proof.firstSeq !== 1)
    out(`The export begins at entry ${proof.firstSeq}: what came before is not proved.\n`);
  for (const problem of proof.problems) out(`PROBLEM ${problem}\n`);
  if (proof.problems.length > 0) {
    out(`The chain is BROKEN: ${proof.problems.length} problem(s).\n`);
    return 1;
  }
  if (checkpoints.length === 0) {
    out('The chain holds. Only a --checkpoint kept elsewhere proves that no tail is missing.\n');
    return 0;
  }
  const last = proof.confirmed.length === 0 ? null : Math.max(...proof.confirmed);
  out(
    last === null
      ? 'The chain holds, but no checkpoint lies within this export: its end is not proved.\n'
      : `The chain holds, and is the one that ${proof.confirmed.length} checkpoint(s) saw, up to entry ${last}.\n`,
  );
  if (checkpoints.some((one) => one.signed === null))
    out("The checkpoints' signatures were not looked at: give --jwks with the tenant's keys.\n");
  return last === null ? 1 : 0;
}

function keysOf(file: string): Record<string, unknown>[] {
  const set = JSON.parse(read(file)) as { keys?: unknown } | null;
  if (!Array.isArray(set?.keys)) throw new Unusable(`${file} is no JWK Set.`);
  return set.keys.filter((key): key is Record<string, unknown> => typeof key === 'object' && key !== null);
}

/** A JWS itself, or a file of them: one a line, or the answer of the API. */
function checkpointsOf(text: string, keys: Record<string, unknown>[] | null): ReadCheckpoint[] {
  const content = existsSync(text) ? read(text) : text;
  const listed = content.trimStart().startsWith('{')
    ? ((JSON.parse(content) as { checkpoints?: { jws?: unknown }[] }).checkpoints ?? []).map((one) =>
        String(one.jws),
      )
    : content.split('\n').filter((line) => line.trim() !== '');
  const found = listed.map((jws) => readCheckpoint(jws, keys));
  const whole = found.filter((one) => one !== null);
  if (whole.length === 0 || whole.length < found.length)
    throw new Unusable(`${text.slice(0, 80)} is neither a file of checkpoints nor a checkpoint.`);
  return whole;
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new Unusable(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** The lines of a file of any size, in pieces: an export may be longer than the longest string. */
function* linesOf(file: string): Generator<string> {
  let from: number;
  try {
    from = file === '-' ? 0 : openSync(file, 'r');
  } catch (error) {
    throw new Unusable(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
  const decoder = new TextDecoder();
  const piece = Buffer.alloc(1 << 20);
  let rest = '';
  try {
    for (let size = readSync(from, piece); size > 0; size = readSync(from, piece)) {
      const lines = (rest + decoder.decode(piece.subarray(0, size), { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      yield* lines;
    }
    yield rest + decoder.decode();
  } finally {
    if (file !== '-') closeSync(from);
  }
}

if (import.meta.main)
  process.exitCode = main(process.argv.slice(2), (text) => void process.stdout.write(text));
