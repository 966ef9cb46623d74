#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { ProkuraError } from '#client/index.ts';
import { checkCommand } from './check-command.ts';
import { agentAssertion } from '#cli/agent-assertion.ts';
import { agentCall } from '#cli/agent-call.ts';
import { agentKey } from '#cli/agent-key.ts';
import { agentToken } from '#cli/agent-token.ts';
import { cleaned, Unusable, wordsOf, type Command, type Terminal } from '#cli/command.ts';
import { policyCheck, policyRequire, policySet, policyShow } from '#cli/policy.ts';
import { verifyLedgerCommand } from '#cli/verify-ledger.ts';

const COMMANDS: readonly Command[] = [
  checkCommand,
  agentKey,
  agentAssertion,
  agentToken,
  agentCall,
  policyShow,
  policyCheck,
  policySet,
  policyRequire,
  verifyLedgerCommand,
];

/**
 * The terminal of a command that npm started: there usage and advice say `npm run prokura --`, because there
 * is no `prokura` on the path.
 */
function speak(terminal: Terminal): Terminal {
  if (terminal.env['npm_lifecycle_event'] !== 'prokura') return terminal;
  const named = (text: string) =>
    text.replaceAll(/(?<=(?:Usage|Run|tool): |^ {2})prokura(?= )/gm, 'npm run prokura --');
  return { ...terminal, out: (text) => terminal.out(named(text)), err: (text) => terminal.err(named(text)) };
}

/**
 * Runs one command and returns the exit code of the process: 0 done, 1 refused or failed, 2 not understood.
 * Whatever it prints is `cleaned`.
 */
export async function main(args: readonly string[], given: Terminal): Promise<number> {
  const terminal = cleaned(given);
  const words = args[0] === 'help' ? [...args.slice(1), '--help'] : args;
  const command = COMMANDS.find(({ name }) => name.split(' ').every((word, index) => words[index] === word));
  const speaker = speak(terminal);
  if (command === undefined) return withoutCommand(words, speaker);
  const rest = words.slice(command.name.split(' ').length);
  if (asksForHelp(rest)) {
    speaker.out(`Usage: prokura ${command.name} ${command.usage}\n\n${command.help}`);
    return 0;
  }
  try {
    return await command.run(rest, terminal);
  } catch (error) {
    if (error instanceof Unusable) speaker.err(`${error.message}\n`);
    else if (error instanceof ProkuraError) speaker.err(`${inWords(error)}\n`);
    else {
      speaker.err(`${wordsOf(error)}\n`);
      return 1;
    }
    return error instanceof Unusable || error.code === 'configuration' ? 2 : 1;
  }
}

const asksForHelp = (words: readonly string[]): boolean => words.includes('--help') || words.includes('-h');

function withoutCommand(words: readonly string[], { out, err }: Terminal): number {
  if (words[0] === '--version' || words[0] === 'version') {
    out(`${versionOf(new URL('../../package.json', import.meta.url))}\n`);
    return 0;
  }
  const named = words.filter((word) => !word.startsWith('-'));
  // `prokura agent --help` lists the commands that begin with `agent`.
  const group = COMMANDS.filter(({ name }) => named.length > 0 && name.startsWith(`${named.join(' ')} `));
  const list = listOf(group.length > 0 ? group : COMMANDS);
  if (asksForHelp(words) && (named.length === 0 || group.length > 0)) {
    out(list);
    return 0;
  }
  err(named.length === 0 || group.length > 0 ? list : `There is no command "${named.join(' ')}".\n\n${list}`);
  return 2;
}

const listOf = (commands: readonly Command[]): string =>
  `Usage: prokura <command> [options]

${commands.map(({ name, summary }) => `  ${name.padEnd(18)}${summary}`).join('\n')}

  prokura <command> --help   the options of one command
  prokura --version          the version
`;

function versionOf(manifest: URL): string {
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version?: string };
  return version ?? 'unknown';
}

/** An error in words: what was refused, the underlying cause if there was no answer, and what to do next. */
function inWords(error: ProkuraError): string {
  const causes: string[] = [];
  for (let cause = error.cause; cause instanceof Error; cause = cause.cause)
    if (cause.message !== '') causes.push(cause.message);
  const why = causes.at(-1);
  const next = error.terminal
    ? ' This mandate will not work again: ask the person for a new one.'
    : error.code === 'unavailable' && error.status === null
      ? ' Is the server running, and is the address right?'
      : error.retryAfterSeconds === undefined
        ? ''
        : ` Try again in ${error.retryAfterSeconds} seconds.`;
  const said = why === undefined ? error.description : `${error.description.replace(/\.$/, '')} (${why}).`;
  return `${error.code}: ${said}${next}`;
}

if (import.meta.main) {
  process.exitCode = await main(process.argv.slice(2), {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    env: process.env,
    outIsShown: process.stdout.isTTY,
  });
}
