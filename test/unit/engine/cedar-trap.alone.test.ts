import type * as Cedar from '@cedar-policy/cedar-wasm/nodejs';
import { afterEach, expect, test, vi } from 'vitest';
import { parsePolicies } from '#engine/decide/parse.ts';
import { TextError } from '#engine/decide/policy-places.ts';

const trap = vi.hoisted(() => ({ next: null as Error | null }));
vi.mock('@cedar-policy/cedar-wasm/nodejs', async (original) => {
  const cedar = await original<typeof Cedar>();
  return {
    ...cedar,
    policyToJson: (text: string) => {
      if (trap.next !== null) throw trap.next;
      return cedar.policyToJson(text);
    },
  };
});

afterEach(() => {
  trap.next = null;
});

const GOOD = '@id("all") @allows("all")\npermit (principal, action, resource);';

test.each([
  ['WebAssembly traps', Object.assign(new Error('unreachable'), { name: 'RuntimeError' })],
  ['the stack overflows', new RangeError('Maximum call stack size exceeded')],
])('where %s, that is said of Cedar and not of the text', (_, error) => {
  trap.next = error;
  let thrown: unknown;
  try {
    parsePolicies(GOOD, 'tenant');
  } catch (caught) {
    thrown = caught;
  }
  expect(thrown).toBe(error);
});

test('what is wrong with a policy is said of the text, with its place', () => {
  expect(() => parsePolicies(`${GOOD}\npermit (principal, action, resource);`, 'tenant')).toThrow(TextError);
  expect(parsePolicies(GOOD, 'tenant')).toHaveLength(1);
});
