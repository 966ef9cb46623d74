import { spawn } from 'node:child_process';

/** A part of `npm run check`: what is checked, and the command that checks it. */
export interface Stage {
  readonly name: string;
  /** A command line for the shell, as in package.json. Exit code 0 means that all is well. */
  readonly command: string;
}

/**
 * Runs all stages in `folder`, one after another, even if one fails. Writes a line for each with its result
 * and its time, then everything that the failed ones have written. Returns the exit code: 1 if a stage
 * failed, could not be started or was ended by a signal, or if there were no stages.
 */
export async function runStages(
  stages: readonly Stage[],
  folder: string,
  write: (text: string) => void,
): Promise<0 | 1> {
  const failed: { name: string; output: string }[] = [];
  const width = Math.max(...stages.map(({ name }) => name.length));
  for (const { name, command } of stages) {
    const began = performance.now();
    const { code, output } = await run(command, folder);
    if (code !== 0) failed.push({ name, output });
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    write(`${code === 0 ? 'ok    ' : 'FAILED'}  ${name.padEnd(width)}  ${seconds.padStart(7)} s\n`);
  }
  for (const { name, output } of failed) write(`\n--- ${name} ---\n${output.trimEnd()}\n`);
  if (failed.length > 0)
    write(`\n${failed.length} of ${stages.length} failed: ${failed.map(({ name }) => name).join(', ')}\n`);
  return failed.length > 0 || stages.length === 0 ? 1 : 0;
}

/** Both streams as they came, since a message may be spread over both. */
async function run(command: string, cwd: string): Promise<{ code: number | null; output: string }> {
  const child = spawn(command, { cwd, shell: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const chunks: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  return new Promise((done) => {
    child.once('error', (error) => done({ code: null, output: String(error) }));
    child.once('close', (code) => done({ code, output: Buffer.concat(chunks).toString() }));
  });
}
