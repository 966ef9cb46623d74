import { readFile } from 'node:fs/promises';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { loadCatalogue } from '#engine/catalogue.ts';
import { tokenize } from '#surfaces/slack/commands/lexer.ts';
import { parseLine, type Line } from '#surfaces/slack/commands/parse.ts';
import { commandRegistry, type Registry } from '#surfaces/slack/commands/registry.ts';
import { editDistance } from '#lib/edit-distance.ts';
import { manifest } from '#surfaces/slack/manifest.ts';

const root = new URL('../../../../', import.meta.url);
let registry: Registry;
beforeAll(async () => {
  registry = commandRegistry(await loadCatalogue(new URL('tools/', root)));
});

function parsed(line: string): Line {
  const [command = '', ...rest] = line.split(' ');
  const tokens = tokenize(rest.join(' '));
  if (typeof tokens === 'string') throw new Error(tokens);
  return parseLine(tokens, registry.under(command));
}

function understood(line: string) {
  const result = parsed(line);
  if (result.kind !== 'command') throw new Error(`${line} is ${result.kind}`);
  const { route, input, reason, problems } = result.understood;
  return { tool: route.entry.tool.name, input, reason, problems };
}

describe('a typed line means', () => {
  test.each([
    ['/okta reset password <@U1ANN|ann>', 'okta_reset_password', { person: { slackUser: 'U1ANN' } }, null],
    ['/okta RESET Password ann@acme.example', 'okta_reset_password', { person: 'ann@acme.example' }, null],
    [
      '/okta reset mfa <@U1ANN> "lost her phone"',
      'okta_reset_mfa',
      { person: { slackUser: 'U1ANN' } },
      'lost her phone',
    ],
    [
      '/okta reset multi-factor person=<@U1ANN> reason=lost',
      'okta_reset_mfa',
      { person: { slackUser: 'U1ANN' } },
      'lost',
    ],
    ...[
      "'it is lost'",
      '‘it is lost’',
      '「it is lost」',
      '『it is lost』',
      '—reason "it is lost"',
      '--reason ‘it is lost’',
      '–reason=「it is lost」',
    ].map(
      (typed) =>
        [
          `/okta reset mfa <@U1ANN> ${typed}`,
          'okta_reset_mfa',
          { person: { slackUser: 'U1ANN' } },
          'it is lost',
        ] satisfies [string, string, object, string | null],
    ),
    [
      "/okta reset mfa <@U1ANN> 'Ann's phone isn't here'",
      'okta_reset_mfa',
      { person: { slackUser: 'U1ANN' } },
      "Ann's phone isn't here",
    ],
    ["/okta find o'brien", 'okta_find_user', { query: "o'brien" }, null],
    ["/okta find 'twas", 'okta_find_user', { query: "'twas" }, null],
    ['/okta find ann lee', 'okta_find_user', { query: 'ann lee' }, null],
    ['/okta find “ann”', 'okta_find_user', { query: 'ann' }, null],
    ['/mandate list', 'mandate_list', {}, null],
    ['/mandate list revoked limit=5', 'mandate_list', { state: 'revoked', limit: 5 }, null],
    [
      '/mandate create deploy-bot okta.mfa.reset,okta.password.reset help the team days=7',
      'mandate_create',
      {
        agent: 'deploy-bot',
        scopes: ['okta.mfa.reset', 'okta.password.reset'],
        purpose: 'help the team',
        days: 7,
      },
      null,
    ],
    [
      '/mandate revoke mdt_1 "left the project"',
      'mandate_revoke',
      { mandate_id: 'mdt_1', reason: 'left the project' },
      'left the project',
    ],
    ['/agent list mine=yes', 'agent_list', { mine: true }, null],
  ])('%s', (line, tool, input, reason) => {
    expect(understood(line)).toEqual({ tool, input, reason, problems: [] });
  });

  test.each([
    ['a bare name is never looked up', '/okta reset password ann', /Pick the person from the list/],
    ['a pasted @name is never looked up', '/okta reset password @ann', /Pick the person from the list/],
    ['a user group is not a person', '/okta suspend <!subteam^S0IT|@it>', /not a user group/],
    ['an unknown option is said', '/okta suspend <@U1ANN> force=yes', /no option "force"/],
    ['a word too many is said', '/okta suspend <@U1ANN> now', /was not understood/],
    ['a person is not taken where none is wanted', '/okta find <@U1ANN>', /not a person/],
  ])('%s', (_, line, problem) => {
    expect(understood(line).problems.map(([, words]) => words)).toEqual([expect.stringMatching(problem)]);
  });

  test('what is not a command is only suggested, also with the person in the middle; a far word suggests nothing', () => {
    expect(parsed('/okta suspned <@U1ANN>')).toMatchObject({ kind: 'unknown', typed: 'suspned' });
    const meant = (line: string) => {
      const result = parsed(line);
      return result.kind === 'unknown' ? result.meant.map((route) => route.entry.tool.name) : result.kind;
    };
    expect(meant('/okta suspned <@U1ANN>')).toEqual(['okta_suspend_user']);
    expect(meant('/okta reset <@U1ANN> password')).toEqual(['okta_reset_password']);
    expect(meant('/okta reset')).toEqual(expect.arrayContaining(['okta_reset_password', 'okta_reset_mfa']));
    expect(meant('/okta xyzzy')).toEqual([]);
  });

  test('help is help, bare and for a path', () => {
    expect(parsed('/okta')).toEqual({ kind: 'help', path: [] });
    expect(parsed('/okta help reset password')).toEqual({ kind: 'help', path: ['reset', 'password'] });
  });
});

test('the edit distance is a distance, and a swap of neighbours counts once', () => {
  expect(editDistance('suspned', 'suspend')).toBe(1);
  expect(editDistance('', 'abc')).toBe(3);
  const short = fc.string({ maxLength: 8 });
  fc.assert(
    fc.property(
      short,
      short,
      (a, b) => editDistance(a, b) === editDistance(b, a) && (editDistance(a, b) === 0) === (a === b),
    ),
  );
});

test('the committed manifest is the one that the tools make, and asks for nothing unused', async () => {
  const committed = parseYaml(await readFile(new URL('manifest.yml', root), 'utf8')) as ReturnType<
    typeof manifest
  >;
  expect(committed).toEqual(manifest(registry, 'https://prokura.example.com'));
  expect(committed.oauth_config.scopes.bot).toEqual([
    'commands',
    'chat:write',
    'im:history',
    'im:write',
    'users:read',
    'users:read.email',
  ]);
  // People can type in the app's direct messages, and the app hears of nothing else.
  expect(committed.features.app_home.messages_tab_read_only_enabled).toBe(false);
  expect(committed.settings.event_subscriptions.bot_events).toEqual(['message.im']);
  expect(committed.features.slash_commands.map(({ command }) => command)).toEqual(
    expect.arrayContaining(['/agent', '/approval', '/mandate', '/okta']),
  );
  expect(committed.features.slash_commands.every(({ should_escape: escaped }) => escaped)).toBe(true);
});
