import { describe, expect, test } from 'vitest';
import { isTimeZone, windowOpen, windowWithin, type MandateWindow } from '#domain/mandate/window.ts';

const office: MandateWindow = {
  days: [1, 2, 3, 4, 5],
  from: '08:00',
  to: '17:00',
  timezone: 'Europe/Vienna',
};
const night: MandateWindow = { days: [5], from: '22:00', to: '06:00', timezone: 'Europe/Vienna' };
const open = (window: MandateWindow, at: string) => windowOpen(window, new Date(at));

describe('when a window is open', () => {
  test.each([
    ['Monday 07:59', '2026-01-05T06:59:59Z', false],
    ['Monday 08:00', '2026-01-05T07:00:00Z', true],
    ['Monday 16:59', '2026-01-05T15:59:59Z', true],
    ['Monday 17:00, exclusive', '2026-01-05T16:00:00Z', false],
    ['Saturday noon', '2026-01-10T11:00:00Z', false],
    ['in summer an hour earlier in UTC', '2026-07-06T06:00:00Z', true],
    ['in summer still shut', '2026-07-06T05:59:59Z', false],
  ])('%s', (_, at, expected) => {
    expect(open(office, at)).toBe(expected);
  });

  test.each([
    ['Friday 21:59', '2026-01-09T20:59:00Z', false],
    ['Friday 22:00', '2026-01-09T21:00:00Z', true],
    ['Saturday 05:59 counts to Friday', '2026-01-10T04:59:00Z', true],
    ['Saturday 06:00', '2026-01-10T05:00:00Z', false],
    ['Saturday 22:00 is another night', '2026-01-10T21:00:00Z', false],
    ['Friday 05:00 belongs to Thursday', '2026-01-09T04:00:00Z', false],
  ])('over midnight: %s', (_, at, expected) => {
    expect(open(night, at)).toBe(expected);
  });

  test('Sunday night runs into Monday', () => {
    const window = { ...night, days: [7] };
    expect(open(window, '2026-01-12T02:00:00Z')).toBe(true);
    expect(open(window, '2026-01-13T02:00:00Z')).toBe(false);
  });

  test('an hour that the clock change repeats is open twice, and one that it skips never comes', () => {
    const early: MandateWindow = { days: [7], from: '02:00', to: '03:00', timezone: 'Europe/Vienna' };
    // 25 October 2026: 02:30 CEST is 00:30Z, 02:30 CET is 01:30Z.
    expect(open(early, '2026-10-25T00:30:00Z')).toBe(true);
    expect(open(early, '2026-10-25T01:30:00Z')).toBe(true);
    expect(open(early, '2026-10-25T02:30:00Z')).toBe(false);
    // 29 March 2026: 01:59:59 CET is followed by 03:00 CEST.
    expect(open(early, '2026-03-29T00:59:59Z')).toBe(false);
    expect(open(early, '2026-03-29T01:00:00Z')).toBe(false);
  });

  test('what cannot be evaluated is neither open nor shut', () => {
    expect(open({ ...office, timezone: 'Europe/Atlantis' }, '2026-01-05T09:00:00Z')).toBeNull();
    expect(open({ ...office, from: '8 am' }, '2026-01-05T09:00:00Z')).toBeNull();
    expect(isTimeZone('Europe/Atlantis')).toBe(false);
    expect(isTimeZone('America/New_York')).toBe(true);
  });
});

describe('a window within another', () => {
  test.each<[string, Partial<MandateWindow>, boolean]>([
    ['the same', {}, true],
    ['fewer days', { days: [2] }, true],
    ['shorter', { from: '09:00', to: '16:00' }, true],
    ['a day more', { days: [1, 6] }, false],
    ['longer', { to: '18:00' }, false],
    ['another zone', { timezone: 'Europe/London' }, false],
    ['over midnight', { from: '22:00', to: '06:00' }, false],
  ])('%s: %s', (_, change, expected) => {
    expect(windowWithin({ ...office, ...change }, office)).toBe(expected);
  });
});
