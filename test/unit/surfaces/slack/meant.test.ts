import { beforeAll, describe, expect, test } from 'vitest';
import { approvalNumber } from '#domain/approval/number.ts';
import { loadCatalogue } from '#engine/catalogue.ts';
import { newId } from '#lib/id.ts';
import { tokenize } from '#surfaces/slack/commands/lexer.ts';
import { meantBy } from '#surfaces/slack/commands/meant.ts';
import { understand } from '#surfaces/slack/commands/parse.ts';
import { commandRegistry, type Registry } from '#surfaces/slack/commands/registry.ts';

let registry: Registry;
beforeAll(async () => {
  registry = commandRegistry(await loadCatalogue(new URL('../../../../tools/', import.meta.url)));
});

function meant(text: string) {
  const tokens = tokenize(text);
  if (typeof tokens === 'string') throw new Error(tokens);
  return meantBy(tokens, registry.routes).map(({ route, rest }) => ({
    tool: route.entry.tool.name,
    input: understand(route, rest).input,
  }));
}

describe('a sentence means', () => {
  test.each([
    ['reset password for <@U1ANN> please', 'okta_reset_password', { person: { slackUser: 'U1ANN' } }],
    ['Can you reset the mfa of <@U1ANN>?', 'okta_reset_mfa', { person: { slackUser: 'U1ANN' } }],
    [
      'please suspend <mailto:ann@acme.example|ann@acme.example> now',
      'okta_suspend_user',
      { person: 'ann@acme.example' },
    ],
    ['list my agents', 'agent_list', {}],
    ['I want to revoke the mandate deploy-bot', 'mandate_revoke', { mandate_id: 'deploy-bot' }],
    ['okta find ann lee', 'okta_find_user', { query: 'ann lee' }],
  ])('%s', (text, tool, input) => {
    expect(meant(text)[0]).toEqual({ tool, input });
  });

  test.each(['hello', 'thanks!', 'list', '', 'what can you do for me?', '???'])('nothing: %s', (text) => {
    expect(meant(text)).toEqual([]);
  });

  test('never more than three commands', () => {
    const all = registry.routes
      .map(({ usage }) => usage)
      .join(' ')
      .slice(0, 1900);
    expect(meant(all).length).toBeLessThanOrEqual(3);
  });
});

test('the number of a request has four digits, and is always the same for one', () => {
  for (let count = 0; count < 200; count += 1) {
    const id = newId('apr');
    expect(approvalNumber(id)).toMatch(/^[1-9]\d{3}$/);
    expect(approvalNumber(id)).toBe(approvalNumber(id));
  }
});
