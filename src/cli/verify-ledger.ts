import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { readCheckpoint, type ReadCheckpoint } from '#domain/ledger/checkpoint.ts';
import { verifyLedger } from '#domain/ledger/verify.ts';
import { argumentsOf, Unusable, whyUnread, type Command } from './command.ts';
import { read, readJson } from './files.ts';

/** `prokura verify-ledger`: proves an export, without a database or a server. */
export const verifyLedgerCommand: Command = {
  name: 'verify-ledger',
  usage: 'FILE [--checkpoint FILE|JWS]... [--jwks FILE]',
  summary: 'Verify an exported ledger offline',
  help: `Reads an exported ledger (NDJSON; - for standard input) and proves, without a database, that no entry was changed, removed
or reordered.

  --checkpoint FILE|JWS  a checkpoint that was kept elsewhere (GET /v1/ledger/checkpoints; its answer, or one JWS a line).
                         It proves that no entries are missing at the end. Can be given several times.
  --jwks FILE            the tenant's JWKS: proves that the tenant's own key signed the checkpoints

Exit code 0: the chain holds. 1: it does not.
`,
  run: (args, { out }) => {
    const { file, checkpoints } = readInputs(args);
    return report(verifyLedger(linesOf(file), checkpoints), checkpoints, out);
  },
};

function readInputs(args: readonly string[]): { file: string; checkpoints: readonly ReadCheckpoint[] } {
  const { values, positionals } = argumentsOf('verify-ledger', args, {
    checkpoint: { type: 'string', multiple: true },
    jwks: { type: 'string' },
  });
  const [file, ...more] = positionals;
  if (file === undefined || more.length > 0)
    throw new Unusable('verify-ledger needs one file. Run: prokura verify-ledger --help');
  const keys = values.jwks === undefined ? null : keysOf(values.jwks);
  if (keys !== null && values.checkpoint === undefined)
    throw new Unusable('--jwks is for the signature of a --checkpoint.');
  return { file, checkpoints: (values.checkpoint ?? []).flatMap((text) => checkpointsOf(text, keys)) };
}

type Proof = ReturnType<typeof verifyLedger>;

function report(proof: Proof, checkpoints: readonly ReadCheckpoint[], out: (text: string) => void): number {
  if (proof.entries === 0) {
    out('No ledger entries found. Is this a ledger export?\n');
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
  const { keys } = readJson(file);
  if (!Array.isArray(keys)) throw new Unusable(`${file} is not a JWK Set.`);
  return keys.filter((key): key is Record<string, unknown> => typeof key === 'object' && key !== null);
}

/** A JWS itself, or a file of them: one a line, or the answer of the API. */
function checkpointsOf(text: string, keys: Record<string, unknown>[] | null): ReadCheckpoint[] {
  const content = existsSync(text) ? read(text) : text;
  const listed = content.trimStart().startsWith('{')
    ? listedIn(content)
    : content.split('\n').filter((line) => line.trim() !== '');
  const found = listed.map((jws) => readCheckpoint(jws, keys));
  const whole = found.filter((one) => one !== null);
  if (whole.length === 0 || whole.length < found.length)
    throw new Unusable(`${text.slice(0, 80)} is neither a file of checkpoints nor a checkpoint.`);
  return whole;
}

/** The checkpoints of the API's answer; none for other JSON. */
function listedIn(content: string): string[] {
  try {
    const { checkpoints } = JSON.parse(content) as { checkpoints?: { jws?: unknown }[] };
    return (checkpoints ?? []).map((one) => String(one.jws));
  } catch {
    return [];
  }
}

/** The lines of a file of any size, in pieces: an export may be longer than the longest string. */
function* linesOf(file: string): Generator<string> {
  let from: number;
  try {
    from = file === '-' ? 0 : openSync(file, 'r');
  } catch (error) {
    throw new Unusable(`${file} cannot be read: ${whyUnread(error)}`);
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
