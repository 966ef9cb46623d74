import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import type * as Cedar from '@cedar-policy/cedar-wasm/nodejs';
import { expect, test } from 'vitest';
import { loadCatalogue } from '#engine/catalogue.ts';
import { EngineBroke, openCedar, type CedarQuestion } from '#engine/decide/engine.ts';
import { examine } from '#engine/decide/examine.ts';
import { preparePolicies } from '#engine/decide/policies.ts';
import { sha256 } from '#lib/crypto.ts';

const PERSON = { type: 'Person', id: 'usr_1' };
const QUESTION: CedarQuestion = {
  principal: PERSON,
  action: { type: 'Action', id: 'okta_find_user' },
  resource: { type: 'Tenant', id: 'tnt_1' },
  context: {
    tool: 'okta_find_user',
    scope: 'okta.users.read',
    surface: 'slack',
    through_agent: false,
    high_value: false,
    single_admin: false,
  },
  entities: [
    { uid: PERSON, attrs: { roles: ['member'], scopes: [], privileged: 'no' }, parents: [] },
    {
      uid: { type: 'Action', id: 'okta_find_user' },
      attrs: {},
      parents: [
        { type: 'Action', id: 'okta' },
        { type: 'Action', id: 'reads' },
      ],
    },
    { uid: { type: 'Tenant', id: 'tnt_1' }, attrs: {}, parents: [] },
  ],
};
const GOOD = { id: 'good', texts: { all: 'permit (principal, action, resource);' } };
const FATAL = {
  id: 'fatal',
  texts: { all: `permit (principal, action, resource) when { ${'('.repeat(400)}true${')'.repeat(400)} };` },
};

const require = createRequire(import.meta.url);
function freshInstance() {
  const path = require.resolve('@cedar-policy/cedar-wasm/nodejs');
  delete require.cache[path];
  return require(path) as typeof Cedar;
}
const allowed = (answer: Cedar.AuthorizationAnswer) =>
  answer.type === 'success' && answer.response.decision === 'allow';

test('an engine that broke is replaced, and answers under everything else as before', () => {
  const engine = openCedar();
  expect(allowed(engine.ask(GOOD, QUESTION))).toBe(true);
  expect(() => engine.ask(FATAL, QUESTION)).toThrow(EngineBroke);
  engine.ready();
  expect(allowed(engine.ask(GOOD, QUESTION))).toBe(true);
});

test('while there is no engine it is not ready, and nothing is decided', () => {
  let broken = false;
  const engine = openCedar(1_000_000, () => {
    if (broken) throw new Error('no memory for another');
    return freshInstance();
  });
  expect(allowed(engine.ask(GOOD, QUESTION))).toBe(true);
  broken = true;
  expect(() => engine.ask(FATAL, QUESTION)).toThrow(EngineBroke);
  expect(() => engine.ready()).toThrow(expect.objectContaining({ code: 'unavailable' }));
  expect(() => engine.ask(GOOD, QUESTION)).toThrow(expect.objectContaining({ code: 'unavailable' }));
  broken = false;
  engine.ready();
  expect(allowed(engine.ask(GOOD, QUESTION))).toBe(true);
});

test('what is prepared is bounded: an engine that holds too much is given up whole, and the old policies are prepared again', () => {
  let opened = 0;
  const engine = openCedar(200, () => {
    opened += 1;
    return freshInstance();
  });
  for (let i = 0; i < 20; i += 1) {
    const texts = { all: `permit (principal, action, resource); // ${i}` };
    expect(allowed(engine.ask({ id: `text ${i}`, texts }, QUESTION))).toBe(true);
  }
  expect(opened).toBe(5);
  expect(allowed(engine.ask(GOOD, QUESTION))).toBe(true);
});

test('what is released takes no room any more, and is prepared again when it is asked', () => {
  let opened = 0;
  const engine = openCedar(200, () => {
    opened += 1;
    return freshInstance();
  });
  const text = (nth: number) => ({
    id: `text ${nth}`,
    texts: { all: `permit (principal, action, resource); // ${nth}` },
  });
  for (let nth = 0; nth < 20; nth += 1) {
    expect(allowed(engine.ask(text(nth), QUESTION))).toBe(true);
    engine.release(`text ${nth}`);
  }
  engine.release('never prepared');
  expect(opened).toBe(1);
  expect(allowed(engine.ask(text(0), QUESTION))).toBe(true);
});

test('where Cedar breaks over a text that passed every trial, what stays answers and decides from then on, and other texts go on', async () => {
  const catalogue = await loadCatalogue(new URL('../../../tools/', import.meta.url));
  const shipped = readFileSync(new URL('../../../policies/default.cedar', import.meta.url), 'utf8');
  const good =
    '@id("own") @allows("everybody") permit (principal is Person, action == Action::"okta_find_user", resource);';
  const fatal = `${good} // fatal`;
  const book = preparePolicies(shipped, catalogue, async (text, terms) => {
    const policies = examine(good, 'tenant', terms);
    if (text === good) return { policies };
    // As if a laxer count had passed it, in an engine with a deeper stack.
    const [first] = policies;
    if (first === undefined) throw new Error('no policy');
    const deep = FATAL.texts.all.replace('permit', '@id("own") permit');
    return { policies: [{ ...first, policy: { ...first.policy, text: deep } }] };
  });
  const inForce = (text: string) =>
    book.inForce({ version: 1, digest: sha256(text), singleAdmin: false }, () => Promise.resolve({ text }));
  const decides = async (text: string) => {
    const set = await inForce(text);
    return { allowed: allowed(set.forTool('okta_find_user').ask(QUESTION)), problem: set.problem };
  };
  expect(await decides(good)).toEqual({ allowed: true, problem: null });
  expect(await decides(fatal)).toEqual({ allowed: false, problem: null });
  expect(await decides(fatal)).toMatchObject({
    allowed: false,
    problem: expect.stringContaining('failed to') as string,
  });
  expect(await decides(good)).toEqual({ allowed: true, problem: null });
  expect(allowed(book.forTool('okta_find_user').ask(QUESTION))).toBe(true);
  book.ready();
});
