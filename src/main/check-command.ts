import { existsSync, readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { argumentsOf, Unusable, type Command, type Terminal } from '#cli/command.ts';

/**
 * `prokura check`: asks everything that this installation leans on whether it works. What it needs of the
 * product is loaded when it runs.
 */
export const checkCommand: Command = {
  name: 'check',
  usage: '[--json]',
  summary: 'Ask Okta, Slack and the database whether this installation works',
  help: `Reads the settings that the server reads (the environment, and .env in this folder), and asks:

  settings   are all there, and of the right form?
  Okta       does the organisation answer, is there a token with each scope, what does the administrator role allow?
  issuer     its metadata and signing keys; the app that people sign in with, and its redirect addresses
  Slack      is the token good, for this workspace and this app, with the scopes of the manifest?
  database   the connection, the rights, the migrations, row-level security, the clock

It only reads: nothing is changed, and nobody gets a message. It can run beside the server, and before it was ever started. In a sandbox it asks
the simulators and the database of the folder (.prokura, or PROKURA_DATA), while the server runs.

  --json     the answers as JSON: {"ok":…,"checks":[{"id","asked","status","found","remedy"}]}

Each line is OK, WARNING or FAILED, and says what to do. Exit code 0: nothing failed. 1: something did.
`,
  run: async (args, terminal) => {
    const { values, positionals } = argumentsOf('check', args, { json: { type: 'boolean' } });
    if (positionals.length > 0) throw new Unusable('check takes no arguments. Run: prokura check --help');
    // The gateway, the drivers and the policies of Slack are not loaded for any other command.
    const { answersTo } = await import('#lib/check.ts');
    const { inLines, runChecks } = await import('./check.ts');
    const { ConfigError, readConfig } = await import('./config.ts');
    const { installationOf } = await import('./installation.ts');
    const settings = answersTo('settings', 'Settings');
    let checks;
    try {
      const config = readConfig(environment(terminal));
      const found = installationOf(config);
      checks =
        typeof found === 'string'
          ? [
              settings.failed(
                found,
                'Start the sandbox with npm start, or set PROKURA_MODE=live.',
                'no_sandbox',
              ),
            ]
          : [settings.ok(`Complete, for a ${config.mode} installation.`), ...(await runChecks(found))];
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      checks = error.problems.map((problem) =>
        settings.failed(
          problem,
          'Correct it in .env or the environment; .env.example lists every setting.',
          'invalid',
        ),
      );
    }
    const failed = checks.filter(({ status }) => status === 'failed').length;
    terminal.out(
      values.json === true
        ? `${JSON.stringify({ ok: failed === 0, checks }, null, 2)}\n`
        : `${inLines(checks)}${failed === 0 ? 'Nothing failed.' : `${failed} failed.`}\n`,
    );
    return failed === 0 ? 0 : 1;
  },
};

/** The environment, over what `.env` in the working directory says. */
const environment = ({ env }: Terminal): Readonly<Record<string, string | undefined>> => ({
  ...(existsSync('.env') ? parseEnv(readFileSync('.env', 'utf8')) : {}),
  ...env,
});
