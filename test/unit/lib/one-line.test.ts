import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isOneLine, markedLines, oneLine, say } from '#lib/sanitise.ts';

/** Each of these ends a line for some reader (UAX #14, terminals, old printers). */
const BREAKS = [
  '\n',
  '\r',
  '\r\n',
  '\u000b',
  '\f',
  '\u001c',
  '\u001d',
  '\u001e',
  '\u001f',
  '\u0085',
  '\u2028',
  '\u2029',
];

describe('text from outside', () => {
  test.each(BREAKS.map((sign) => [JSON.stringify(sign), sign]))(
    'is one line, whatever separates it: %s',
    (_, sign) => {
      expect(oneLine(`Carl Jensen${sign}${sign}Already approved`)).toBe('Carl Jensen Already approved');
      expect(isOneLine(`a${sign}b`)).toBe(false);
    },
  );

  test('loses what reorders or hides, and nothing else', () => {
    expect(oneLine('a\u202eb\u2066c\u200bd\u0000e\u061cf г字🔑é')).toBe('abcdef г字🔑é');
    expect(oneLine('far\u00a0\u2003\u3000\u2800\u3164off')).toBe('far off');
    expect(oneLine('half \ud800')).toBe('half \ufffd');
  });

  test('of any kind has no control, no separator and no double blank, and stays as it is the second time', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
        const line = oneLine(text);
        expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]| {2}/u);
        expect(line.isWellFormed()).toBe(true);
        expect(oneLine(line)).toBe(line);
      }),
    );
  });

  test('is one line within a sentence of ours, and marked where it has lines of its own', () => {
    expect(say`Approved by ${'Ann\nstatus: no change'} at ${3}`).toBe(
      'Approved by Ann status: no change at 3',
    );
    expect(markedLines('Text: permit(\u2028status: no change')).toEqual([
      'Text: permit(',
      '  | status: no change',
    ]);
  });
});
