import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import type * as cedar from '@cedar-policy/cedar-wasm/nodejs';
import type { ApproverKind } from '#domain/approval/approval.ts';
import { loadCatalogue } from '#engine/catalogue.ts';
import { parsePolicies } from '#engine/decide/parse.ts';
import { preparePolicies } from '#engine/decide/policies.ts';
import type { PolicySet } from '#engine/decide/policy-set.ts';
import { changedText, withoutStaying } from '#engine/decide/requirement-change.ts';
import { actionParents, cedarSchema } from '#engine/decide/schema.ts';

const root = resolve(import.meta.dirname, '../..');
const page = readFileSync(resolve(root, 'docs/policies.md'), 'utf8');
const shipped = readFileSync(resolve(root, 'policies/default.cedar'), 'utf8');
const catalogue = await loadCatalogue(pathToFileURL(`${resolve(root, 'tools')}/`));
const book = preparePolicies(shipped, catalogue);

/** The recipes of the page, by heading. */
const recipes = new Map(
  page
    .split(/^### /m)
    .slice(1)
    .map((section): [string, string] => [
      section.slice(0, section.indexOf('\n')),
      /^```cedar\n([^]*?)^```/m.exec(section)?.[1] ?? '',
    ]),
);

/**
 * The shipped policies with a recipe added, as the page says: a policy with an existing `@id` replaces that
 * one, others go to the end.
 */
async function withRecipe(name: string): Promise<PolicySet> {
  const block = recipes.get(name) ?? '';
  const ids = new Set(parsePolicies(block, 'tenant').map(({ policy }) => policy.id));
  expect(ids.size).toBeGreaterThan(0);
  const kept = parsePolicies(shipped, 'shipped').filter(({ policy }) => !ids.has(policy.id));
  return book.ofText('tnt_page', [...kept.map(({ policy }) => policy.text), block].join('\n'));
}

const ref = (type: string, id: string): cedar.CedarValueJson => ({ __entity: { type, id } });
const entity = (type: string, id: string, attrs: cedar.EntityJson['attrs']): cedar.EntityJson => ({
  uid: { type, id },
  attrs,
  parents: [],
});
const person = (
  id: string,
  of: { roles?: string[]; scopes?: string[]; manager?: string } = {},
): cedar.EntityJson => {
  const roles = of.roles ?? ['member'];
  return entity('Person', id, {
    roles,
    scopes: of.scopes ?? ['okta.password.reset', 'okta.mfa.reset', 'okta.users.suspend'],
    privileged: roles.every((role) => role === 'member') ? 'no' : 'yes',
    ...(of.manager === undefined ? {} : { manager: ref('Person', of.manager) }),
  });
};
const agentOf = (owner: string, manager?: string): cedar.EntityJson =>
  entity('Agent', 'agt_1', {
    owner: ref('Person', owner),
    ...(manager === undefined ? {} : { owner_manager: ref('Person', manager) }),
  });

/** What a set decides: the approvers in order, or the policy that forbids, or that nobody permits. */
function says(
  set: PolicySet,
  tool: string,
  principal: cedar.EntityJson,
  resource: cedar.EntityJson,
  context: cedar.Context = {},
): string[] | string {
  const entry = catalogue.get(tool);
  if (entry === undefined) throw new Error(`there is no tool ${tool}`);
  const action = { type: 'Action', id: tool };
  const answer = set.forTool(tool).ask({
    principal: principal.uid,
    action,
    resource: resource.uid,
    context: {
      tool,
      scope: entry.tool.scope,
      surface: 'slack',
      through_agent: false,
      high_value: false,
      single_admin: false,
      by_token: false,
      own_portal: false,
      ...context,
    },
    entities: [
      { uid: action, attrs: {}, parents: actionParents(entry).map((id) => ({ type: 'Action', id })) },
      principal,
      resource,
    ],
  });
  if (answer.type === 'failure') throw new Error(JSON.stringify(answer.errors));
  const { decision, diagnostics } = answer.response;
  expect(diagnostics.errors).toEqual([]);
  const matched = diagnostics.reason.map((id) => set.forTool(tool).policies.get(id)!);
  if (decision === 'deny') return matched[0] === undefined ? 'nobody' : `forbidden: ${matched[0].id}`;
  if (matched.every(({ addsOnly }) => addsOnly)) return 'nobody';
  return matched
    .flatMap(({ requirement: one }) =>
      one === null ? [] : [`${one.quorum} ${one.approver}${one.stepUp ? ' with step-up' : ''}`],
    )
    .sort();
}

const bob = person('usr_bob', { roles: ['member', 'manager'], manager: 'usr_mona' });
const ann = person('usr_ann', { manager: 'usr_bob' });
const dana = person('usr_dana', { roles: ['member', 'it_admin'] });
const THROUGH = { surface: 'mcp', through_agent: true };
const at = (iso: string) => ({ ...THROUGH, now: { __extn: { fn: 'datetime' as const, arg: iso } } });

describe('the recipes of docs/policies.md', () => {
  test('each is tested here, and every action, annotation and attribute of the page is one', () => {
    expect([...recipes.keys()]).toEqual([
      'One approval instead of two',
      'Managers without the manager role',
      'Another approver for one group',
      'One approval more',
      'No agents at night',
      'An amount limit',
      'A group that may do one thing',
    ]);
    expect([...recipes.values()].every((block) => block !== '')).toBe(true);
    expect(page.match(/```cedar/g)).toHaveLength(recipes.size);
  });

  test('One approval instead of two', async () => {
    const set = await withRecipe('One approval instead of two');
    const another = agentOf('usr_carl', 'usr_bob');
    const ask = (from: PolicySet, high_value: boolean) =>
      says(from, 'mandate_create', bob, another, { high_value });
    expect(ask(book, true)).toEqual(['1 manager', '1 role:executive']);
    expect(ask(set, true)).toEqual(['1 role:executive']);
    expect(ask(set, false)).toEqual(['1 manager']);
  });

  test('Managers without the manager role', async () => {
    const set = await withRecipe('Managers without the manager role');
    const plain = person('usr_bob', { manager: 'usr_mona' });
    const mona = person('usr_mona');
    expect(says(book, 'okta_reset_password', person('usr_mona', { roles: ['manager'] }), bob)).toEqual([
      '2 role:it_admin with step-up',
    ]);
    expect(says(set, 'okta_reset_password', mona, plain)).toEqual([]);
    expect(says(set, 'okta_reset_password', plain, ann)).toEqual([]);
    expect(says(set, 'okta_reset_password', mona, ann)).toBe('nobody');
    // Without the scope, which comes from the mapping, nobody may.
    expect(says(set, 'okta_reset_password', person('usr_bob', { scopes: [] }), ann)).toBe('nobody');
    // The policies that stay still apply: an IT admin is still privileged.
    const admin = person('usr_dana', { roles: ['it_admin'], manager: 'usr_mona' });
    expect(says(set, 'okta_reset_password', mona, admin)).toEqual(['2 role:it_admin with step-up']);
  });

  test('Another approver for one group', async () => {
    const set = await withRecipe('Another approver for one group');
    const helper = person('usr_bob', { roles: ['manager', 'help_desk'], manager: 'usr_mona' });
    expect(says(book, 'okta_reset_password', helper, ann, THROUGH)).toEqual(['1 manager']);
    expect(says(set, 'okta_reset_password', helper, ann, THROUGH)).toEqual(['1 role:it_admin']);
    expect(says(set, 'okta_reset_password', bob, ann, THROUGH)).toEqual(['1 manager']);
    expect(says(set, 'okta_reset_password', helper, ann)).toEqual([]);
  });

  test('One approval more', async () => {
    const set = await withRecipe('One approval more');
    expect(says(book, 'okta_suspend_user', dana, ann)).toEqual([]);
    expect(says(set, 'okta_suspend_user', dana, ann)).toEqual(['1 role:it_admin']);
    expect(says(set, 'okta_suspend_user', bob, ann)).toBe('nobody');
  });

  test('No agents at night', async () => {
    const set = await withRecipe('No agents at night');
    const ask = (context: cedar.Context) => says(set, 'okta_reset_password', bob, ann, context);
    expect(ask(at('2026-01-12T11:00:00.000Z'))).toEqual(['1 manager']);
    // 20:00 and 06:59:59 in Central European Time; 07:00 and 19:59:59 are day.
    expect(ask(at('2026-01-12T19:00:00.000Z'))).toBe('forbidden: no-agents-at-night');
    expect(ask(at('2026-01-12T23:30:00.000Z'))).toBe('forbidden: no-agents-at-night');
    expect(ask(at('2026-01-12T05:59:59.000Z'))).toBe('forbidden: no-agents-at-night');
    expect(ask(at('2026-01-12T06:00:00.000Z'))).toEqual(['1 manager']);
    expect(ask(at('2026-01-12T18:59:59.999Z'))).toEqual(['1 manager']);
    expect(ask({})).toEqual([]);
  });

  test('An amount limit', async () => {
    const set = await withRecipe('An amount limit');
    const own = agentOf('usr_bob');
    expect(says(book, 'mandate_create', bob, own, { high_value: true })).toEqual(['1 role:executive']);
    expect(says(set, 'mandate_create', bob, own, { high_value: true })).toBe(
      'forbidden: nothing-of-high-value-is-delegated',
    );
    expect(says(set, 'mandate_create', bob, own)).toEqual([]);
  });

  test('A group that may do one thing', async () => {
    const set = await withRecipe('A group that may do one thing');
    const desk = person('usr_desk', { roles: ['member', 'front_desk'], scopes: ['okta.password.reset'] });
    expect(says(book, 'okta_reset_password', desk, ann)).toBe('nobody');
    expect(says(set, 'okta_reset_password', desk, ann)).toEqual([]);
    expect(says(set, 'okta_reset_password', desk, bob)).toBe('nobody');
    expect(says(set, 'okta_reset_mfa', desk, ann)).toBe('nobody');
    expect(says(set, 'okta_suspend_user', desk, ann)).toBe('nobody');
    expect(says(set, 'okta_reset_password', desk, desk)).toBe('forbidden: nobody-resets-themselves-here');
  });
});

test('the command of "Change one approval" does what the page says', async () => {
  const found = /policy require (\w+) --by (agents) --approver (role:\w+)/.exec(page);
  const [, action = '', , approver = ''] = found ?? [];
  const approval = {
    approver: approver as ApproverKind,
    fallback: null,
    quorum: 1,
    stepUp: false,
    reason: 'IT approves what agents reset.',
  };
  const change = { action, askedBy: 'agents', role: null, target: null, approval } as const;
  const text = changedText(withoutStaying(shipped, book), book, change);
  const set = await book.ofText('tnt_page', text);
  expect(says(book, 'okta_reset_mfa', bob, ann, THROUGH)).toEqual(['1 manager']);
  expect(says(set, 'okta_reset_mfa', bob, ann, THROUGH)).toEqual(['1 role:it_admin']);
  // "People who reset something themselves are not affected", and no other action is.
  expect(says(set, 'okta_reset_mfa', bob, ann)).toEqual([]);
  expect(says(set, 'okta_reset_password', bob, ann, THROUGH)).toEqual(['1 manager']);
  // "What stays is asked in addition."
  const admin = person('usr_adm', { roles: ['it_admin'], manager: 'usr_bob' });
  expect(says(set, 'okta_reset_mfa', bob, admin, THROUGH)).toEqual([
    '1 role:it_admin',
    '2 role:it_admin with step-up',
  ]);
  // "Undo": as before.
  const back = changedText(text, set, { ...change, approval: 'as_before' });
  expect(back.trim()).toBe(withoutStaying(shipped, book).trim());
  const again = await book.ofText('tnt_page', back);
  expect(again.all.map(({ id }) => id).sort()).toEqual(book.all.map(({ id }) => id).sort());
});

describe('what docs/policies.md says is there', () => {
  const cell = (heading: string): string[] => {
    const table = page.split(heading)[1]?.split('\n\n')[1] ?? '';
    return [...table.matchAll(/^\| ([^|]+) \|/gm)].flatMap(([, text = '']) =>
      [...text.matchAll(/`@?([a-z_]+)/g)].map(([, name = '']) => name),
    );
  };

  test('every attribute of the context, in the schema and on the page', () => {
    const [, asked = ''] = /type Asked = \{ ([^}]*) \}/.exec(cedarSchema(catalogue)) ?? [];
    expect(cell('**Context**:').sort()).toEqual(
      [...asked.matchAll(/([a-z_]+)\??:/g)].map(([, one = '']) => one).sort(),
    );
  });

  test('every annotation that the parser takes', () => {
    const policy = (name: string) =>
      `@id("a") ${name === 'id' ? '' : `@${name}("${name === 'adds' ? 'requirement' : name === 'quorum' || name === 'expires' ? '2' : 'role:it_admin'}")`} ${name === 'approval' || name === 'id' ? '' : '@approval("owner")'} permit (principal, action, resource);`;
    const named = cell('## Annotations');
    expect(named).toHaveLength(10);
    for (const name of named) expect(() => parsePolicies(policy(name), 'shipped')).not.toThrow();
  });
});
