import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { clamped, widerFields, type Bounds } from '#domain/mandate/bounds.ts';
import { amountDenial } from '#domain/mandate/rules.ts';
import { describeMandate } from '#domain/mandate/words.ts';

const someOf = (all: string[]) => fc.uniqueArray(fc.constantFrom(...all), { minLength: 1 });
const window = fc.record({
  days: fc.uniqueArray(fc.integer({ min: 1, max: 7 }), { minLength: 1 }),
  from: fc.constantFrom('06:00', '08:00', '22:00'),
  to: fc.constantFrom('07:00', '12:00', '23:00'),
  timezone: fc.constantFrom('Europe/Vienna', 'UTC'),
});
const bounds: fc.Arbitrary<Bounds> = fc.record({
  scopes: someOf(['a', 'b', 'c']),
  resources: someOf(['*', 'person:1', 'person:2', 'group:1']),
  tools: fc.option(someOf(['x', 'y', 'z'])),
  amount: fc.option(fc.integer({ min: 1, max: 5 })),
  currency: fc.constant('EUR'),
  window: fc.option(window),
  maxUses: fc.option(fc.integer({ min: 1, max: 5 })),
  expiresAt: fc.date({ min: new Date('2026-01-01'), max: new Date('2026-02-01'), noInvalidDate: true }),
  offline: fc.boolean(),
  depth: fc.integer({ min: 0, max: 3 }),
});
const withinOf = (outer: Bounds) => (pattern: string) =>
  outer.resources.includes('*') || outer.resources.includes(pattern);

describe('a part of a mandate', () => {
  test('what is left after a mandate was narrowed is a part of both', () => {
    fc.assert(
      fc.property(bounds, bounds, (inner, outer) => {
        const left = clamped(inner, outer, withinOf(outer));
        fc.pre(left !== null);
        expect(widerFields(left, outer, withinOf(outer))).toEqual([]);
        expect(widerFields(left, inner, withinOf(inner))).toEqual([]);
        expect(left.depth).toBeLessThanOrEqual(Math.max(outer.depth - 1, 0));
      }),
    );
  });

  test('part of a part is a part', () => {
    fc.assert(
      fc.property(bounds, bounds, bounds, (a, b, c) => {
        const ab = clamped(a, b, withinOf(b));
        const abc = ab === null ? null : clamped(ab, c, withinOf(c));
        fc.pre(abc !== null);
        expect(widerFields(abc, b, withinOf(b))).toEqual([]);
      }),
    );
  });

  test('every field that is wider is named', () => {
    fc.assert(
      fc.property(bounds, (one) => {
        const tight: Bounds = {
          scopes: ['q'],
          resources: ['person:9'],
          tools: ['q'],
          amount: 0.5,
          currency: 'EUR',
          window: { days: [1], from: '03:00', to: '04:00', timezone: 'Asia/Tokyo' },
          maxUses: 0,
          expiresAt: new Date(0),
          offline: false,
          depth: 0,
        };
        const fields = ['scopes', 'resources', 'tools', 'amount', 'window', 'max_uses', 'days'];
        expect(widerFields(one, tight, withinOf(tight)).filter((field) => field !== 'offline')).toEqual(
          fields,
        );
      }),
    );
  });
});

describe('the amount of one use', () => {
  const limit = { amount: '100.0000', currency: 'EUR' };
  test.each([
    ['as much as allowed', { value: 100, currency: 'EUR' }, true],
    ['more', { value: 100.01, currency: 'EUR' }, false],
    ['less than nothing', { value: -1, currency: 'EUR' }, false],
    ['not a number', { value: Number.NaN, currency: 'EUR' }, false],
    ['another currency', { value: 1, currency: 'USD' }, false],
    ['not said', null, false],
  ])('%s', (_, worth, passes) => {
    expect(amountDenial(limit, worth) === null).toBe(passes);
    expect(amountDenial({ amount: null, currency: null }, worth)).toBeNull();
  });
});

test('a mandate reads as one sentence that allows and one that forbids', () => {
  const { allows, forbids } = describeMandate({
    agent: 'carl-bot',
    owner: 'Carl Jensen',
    principal: { id: 'usr_1', name: 'Bob Meyer' },
    scopes: ['okta.mfa.reset'],
    resources: ['reports:usr_1'],
    tools: null,
    amount: null,
    currency: null,
    window: { days: [1, 5], from: '08:00', to: '17:00', timezone: 'Europe/Vienna' },
    offline: false,
    depth: 0,
    maxUses: 3,
    lasting: 'for 7 days',
    names: new Map(),
  });
  expect(allows).toBe(
    "carl-bot (owned by Carl Jensen) may use okta.mfa.reset on Bob Meyer's direct reports, for 7 days, at most 3 times, only on Mon, Fri from 08:00 to 17:00 (Europe/Vienna).",
  );
  expect(forbids).toBe(
    'It may not do anything else, act on anyone else, work at other times, delegate to other agents, work without a fresh sign-in of Bob Meyer or do what Bob Meyer may not do at that moment.',
  );
});
