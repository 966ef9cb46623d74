import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { grant, type Asking, type Subject } from '#domain/token/grant/grant.ts';
import type { HotMandate } from '#domain/token/grant/hot-mandate.ts';
import type { OAuthError } from '#domain/token/oauth-error.ts';
import { parseScope } from '#domain/token/grant/scope.ts';

const NOW = new Date('2026-11-22T12:00:00.000Z');
const seconds = NOW.getTime() / 1000;

const row = (change: Partial<HotMandate> = {}): HotMandate => ({
  mandate_id: 'mdt_1',
  state: 'active',
  scopes: ['a', 'b'],
  resources: ['*'],
  tools: null,
  amount: null,
  currency: null,
  window: null,
  status_index: null,
  offline: false,
  chain: [],
  denied: [],
  one_time: null,
  resource_servers: [],
  providers: '[]',
  uses: 0,
  max_uses: null,
  starts_at: new Date(NOW.getTime() - 1000),
  expires_at: new Date(NOW.getTime() + 86_400_000),
  mandate_epoch: 0,
  person_id: 'usr_1',
  provider: 'okta',
  uid: '00u1',
  person_status: 'ACTIVE',
  scim_active: null,
  held: false,
  person_epoch: 0,
  tokens_not_before: null,
  directory_until: null,
  agent_id: 'agt_1',
  agent_name: 'helper',
  owner_id: 'usr_1',
  ceiling: ['a', 'b', 'c'],
  agent_status: 'active',
  agent_epoch: 0,
  tenant_status: 'active',
  tenant_epoch: 0,
  authority: ['a', 'b', 'c'],
  ...change,
});
const subject = (change: Partial<Subject> = {}): Subject => ({
  kind: 'access_token',
  person: { provider: 'okta', uid: '00u1' },
  scopes: null,
  constraints: null,
  audiences: null,
  issuedAt: seconds - 60,
  expiresAt: seconds + 3600,
  parentMandateId: null,
  act: null,
  jtis: [],
  token: null,
  ...change,
});
const asking = (change: Partial<Asking> = {}): Asking => ({
  agentId: 'agt_1',
  subject: subject(),
  scopes: ['a'],
  details: null,
  coverage: new Map(),
  carries: () => true,
  ...change,
});

function refusal(mandate: HotMandate | null, question: Asking = asking()): OAuthError {
  try {
    grant(mandate, question, NOW);
  } catch (error) {
    return error as OAuthError;
  }
  throw new Error('was granted');
}

/** The granted scopes, or the error. */
function outcome(mandate: HotMandate, scopes: string[]): readonly string[] | string {
  try {
    return grant(mandate, asking({ scopes }), NOW).scopes;
  } catch (error) {
    return (error as OAuthError).error;
  }
}

test('T14, T15: what is granted is what was asked for, and only inside of mandate, ceiling and authority', () => {
  const scopes = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'A', 'а'), { maxLength: 6 });
  fc.assert(
    fc.property(
      scopes,
      scopes,
      scopes,
      fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'A', 'а'), { minLength: 1 }),
      (mandate, ceiling, authority, asked) => {
        const inside = asked.every(
          (scope) => mandate.includes(scope) && ceiling.includes(scope) && authority.includes(scope),
        );
        const bounded = row({ scopes: mandate, ceiling, authority });
        expect(outcome(bounded, asked)).toEqual(inside ? asked : 'invalid_scope');
      },
    ),
  );
});

test.each([
  ['mandate', { scopes: ['b'] }],
  ['ceiling', { ceiling: ['b'] }],
  ['authority', { authority: ['b'] }],
])('a scope outside of the %s is named with the reason', (bound, change) => {
  expect(refusal(row(change)).description).toMatch(new RegExp(`a: .*\\(${bound}\\)`));
});

test('without a scope everything of the mandate is asked for, and nothing of it is dropped', () => {
  expect(grant(row(), asking({ scopes: null }), NOW).scopes).toEqual(['a', 'b']);
  expect(refusal(row({ authority: ['a'] }), asking({ scopes: null })).description).toContain('b: ');
});

test('T17, T21: no mandate, and one of another employee, provider or agent, are the same answer', () => {
  const answers = [
    refusal(null),
    refusal(row({ uid: '00u2' })),
    refusal(row({ provider: 'entra' })),
    refusal(row({ agent_id: 'agt_2' })),
    refusal(row({ agent_id: 'agt_2', state: 'revoked' })),
  ];
  const shown = answers.map(({ error, description, status, extra }) =>
    JSON.stringify({ error, description, status, extra }),
  );
  expect(new Set(shown).size).toBe(1);
  expect(answers[0]).toMatchObject({ error: 'invalid_grant', extra: {} });
});

describe('T18: what does not stand gives nothing', () => {
  test.each([
    ['frozen', { state: 'frozen' }, 'frozen'],
    ['revoked', { state: 'revoked' }, 'revoked'],
    ['expired', { state: 'expired' }, 'expired'],
    ['ending this moment', { expires_at: NOW }, 'expired'],
    ['not begun', { starts_at: new Date(NOW.getTime() + 1) }, 'not_started'],
    ['used up', { max_uses: 2, uses: 2 }, 'uses_exhausted'],
  ] as const)('a mandate that is %s', (_, change, status) => {
    expect(refusal(row(change))).toMatchObject({ error: 'invalid_grant', extra: { mandate_status: status } });
  });

  test.each([
    ['a person who is not ACTIVE', { person_status: 'SUSPENDED' }, 'principal_inactive'],
    ['a person whom SCIM deactivated', { scim_active: false }, 'principal_inactive'],
    ['a person on hold', { held: true }, 'principal_inactive'],
    ['a disabled agent', { agent_status: 'disabled' }, 'agent_disabled'],
    ['a frozen tenant', { tenant_status: 'frozen' }, 'tenant_frozen'],
  ] as const)('%s', (_, change, reason) => {
    expect(refusal(row(change))).toMatchObject({ error: 'invalid_grant', extra: { reason } });
  });
});

test('T13: a token ends with the first of five minutes, mandate and subject token', () => {
  expect(grant(row(), asking(), NOW).expiresAt).toBe(seconds + 300);
  expect(grant(row({ expires_at: new Date(NOW.getTime() + 90_500) }), asking(), NOW).expiresAt).toBe(
    seconds + 90,
  );
  expect(grant(row(), asking({ subject: subject({ expiresAt: seconds + 60 }) }), NOW).expiresAt).toBe(
    seconds + 60,
  );
  expect(refusal(row(), asking({ subject: subject({ expiresAt: seconds }) }))).toMatchObject({
    error: 'invalid_request',
  });
});

test('T14: the grammar of scope is kept to the letter', () => {
  expect(parseScope('finance:approve okta.mfa.reset finance:approve')).toEqual([
    'finance:approve',
    'okta.mfa.reset',
  ]);
  for (const bad of ['', ' a', 'a ', 'a  b', 'a\tb', 'a"b', 'a\\b', 'аdmin', 'a\u0000', 'a\nb'])
    expect(parseScope(bad)).toBeNull();
});
