import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { startInstance, type Instance } from './instance.ts';
import { tell, type Step } from './output.ts';
import { delegationStory } from './delegation/index.ts';
import { mainStory } from './story.ts';
import { tokensStory } from './tokens/index.ts';

/** The stories that can be told; `--story` names one. */
const STORIES: Readonly<Record<string, (instance: Instance) => Step[]>> = {
  main: mainStory,
  delegation: delegationStory,
  tokens: tokensStory,
};

const HELP = `Usage: npm run demo -- [--story=NAME] [--json]

Starts a fresh sandbox, shows a story on it step by step, and removes it afterwards.

  --story=NAME   main: the life of one mandate (default)
                 delegation: mandates, agents, policies, people who leave, the ledger
                 tokens: token exchange, resource servers, browser sign-in, revocation
  --json         print one JSON object per line
  --help         print this text

Exit code 0: every step passed. 1: a step failed. 2: invalid options.
`;

/** The options, or the exit code where there is nothing to tell. */
function options(): { readonly story: (instance: Instance) => Step[]; readonly json: boolean } | number {
  try {
    const { values } = parseArgs({
      options: {
        json: { type: 'boolean', default: false },
        story: { type: 'string', default: 'main' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (values.help) {
      process.stdout.write(HELP);
      return 0;
    }
    const story = Object.hasOwn(STORIES, values.story) ? STORIES[values.story] : undefined;
    if (story !== undefined) return { story, json: values.json };
    process.stderr.write(`Unknown story "${values.story}". Stories: ${Object.keys(STORIES).join(', ')}\n`);
  } catch (error) {
    const [first = ''] = (error instanceof Error ? error.message : String(error)).split(/\. |\n/);
    process.stderr.write(`${first}. Run: npm run demo -- --help\n`);
  }
  return 2;
}

/**
 * Aborted, with the exit code as its reason, when somebody stops the demo: by Ctrl-C or a signal, or when
 * nobody reads its output any more.
 */
function stopSignal(): AbortSignal {
  const controller = new AbortController();
  // 128 and the number of the signal, as a shell has it; a closed pipe counts as SIGPIPE.
  const codes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
  for (const [signal, code] of Object.entries(codes)) process.on(signal, () => controller.abort(code));
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => controller.abort(141));
  return controller.signal;
}

/**
 * Tells the story on an instance of its own, which is gone when this settles; the answer is the exit code.
 */
async function demo(
  story: (instance: Instance) => Step[],
  json: boolean,
  stopped: AbortSignal,
): Promise<number> {
  if (!json)
    console.log('Starting a fresh sandbox: real PostgreSQL, real server, simulated Okta and Slack …');
  try {
    const instance = await startInstance(stopped);
    try {
      const ended = stopped.aborted ? Promise.resolve() : once(stopped, 'abort');
      const passed = await Promise.race([tell(story(instance), json, stopped), ended.then(() => false)]);
      if (!stopped.aborted) return passed ? 0 : 1;
    } finally {
      await instance.stop();
    }
  } catch (error) {
    if (!stopped.aborted) throw error;
  }
  return Number(stopped.reason);
}

const asked = options();
if (typeof asked === 'number') process.exitCode = asked;
else {
  const code = await demo(asked.story, asked.json, stopSignal()).catch((error: unknown) => {
    process.stderr.write(`The demo failed: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  });
  // A step that was cut short may still wait for something.
  process.exit(code);
}
