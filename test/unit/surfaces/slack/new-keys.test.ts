import { beforeAll, expect, test } from 'vitest';
import { loadCatalogue, type Catalogue } from '#engine/catalogue.ts';
import { outputBlocks } from '#surfaces/slack/messages/output.ts';

/** What Slack shows of the credentials that an agent got: `agent_register` and `agent_rotate_key`. */

let catalogue: Catalogue;
beforeAll(async () => {
  catalogue = await loadCatalogue(new URL('../../../../tools/', import.meta.url));
});

const NONE = { kids: [], jwks_url: null, spiffe_id: null };

function shown(tool: string, output: Record<string, unknown>): string {
  const texts: string[] = [];
  JSON.stringify(outputBlocks(catalogue.get(tool)!, output, new Map()), (key, value) => {
    if (key === 'text' && typeof value === 'string') texts.push(value);
    return value as unknown;
  });
  return texts.join('');
}

const rotated = (credentials: object, frozen: readonly string[] = []) =>
  shown('agent_rotate_key', { agent_id: 'agt_1', ...NONE, ...credentials, frozen });

test('one key has its ID, several have theirs, and nothing is said of what an agent does not have', () => {
  expect(rotated({ kids: ['k1'] })).toMatch(/Key ID: k1/);
  expect(rotated({ kids: ['k1', 'k2'] })).toMatch(/Key IDs: k1, k2/);
  expect(rotated({ kids: ['k1'] })).not.toMatch(/Key IDs|JWKS URL|SPIFFE ID|Frozen|null/);
});

test('an agent with an address of keys, or a workload identity, is shown that', () => {
  const address = 'https://agent.example/jwks.json';
  expect(rotated({ jwks_url: address })).toContain(`JWKS URL: ${address}`);
  expect(rotated({ spiffe_id: 'spiffe://acme.example/bot' })).toContain(
    'SPIFFE ID: spiffe://acme.example/bot',
  );
  expect(rotated({ jwks_url: address })).not.toMatch(/Key ID|SPIFFE ID/);
});

test('new keys say how many mandates freeze until they are confirmed', () => {
  expect(rotated({ kids: ['k1'] }, ['mnd_1'])).toContain('Frozen: 1 mandate,');
  expect(rotated({ kids: ['k1'] }, ['mnd_1', 'mnd_2'])).toContain('Frozen: 2 mandates,');
});

test('a registered agent is shown with its keys, its scopes, and what it still needs', () => {
  const text = shown('agent_register', {
    agent_id: 'agt_1',
    name: 'words-bot',
    owner: 'Carl Jensen',
    scopes: ['okta.users.read', 'okta.mfa.reset'],
    ...NONE,
    kids: ['k1'],
    not_yet: 'It needs a mandate.',
  });
  expect(text).toContain('Agent: words-bot agt_1');
  expect(text).toContain('Can be given: okta.users.read and okta.mfa.reset');
  expect(text).toContain('Key ID: k1');
  expect(text).toContain('Next: It needs a mandate.');
});
