import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MAX_LINE, tokenize } from '#surfaces/slack/commands/lexer.ts';

const word = (text: string) => ({ kind: 'word', text });
const quoted = (text: string) => ({ kind: 'quoted', text });

describe('a command is taken apart', () => {
  test.each([
    ['reset password <@U1ANN|ann>', [word('reset'), word('password'), { kind: 'user', id: 'U1ANN' }]],
    ['<@U1ANN|<!channel>', [{ kind: 'user', id: 'U1ANN' }]],
    ['<mailto:Ann@Acme.example|mona@acme.example>', [{ kind: 'email', email: 'ann@acme.example' }]],
    ['ann@acme.example', [{ kind: 'email', email: 'ann@acme.example' }]],
    ['o’brien@acme.example', [word('o’brien@acme.example')]],
    [
      '<#C0GENERAL|general> <!subteam^S0IT|@it>',
      [
        { kind: 'channel', id: 'C0GENERAL' },
        { kind: 'group', id: 'S0IT' },
      ],
    ],
    ['<https://a.example/?x=1&amp;y=2|click me>', [{ kind: 'link', url: 'https://a.example/?x=1&y=2' }]],
    ['“smart quotes”', [quoted('smart quotes')]],
    ['„deutsch“ «français»', [quoted('deutsch'), quoted('français')]],
    ['"Group: Name"', [quoted('Group: Name')]],
    [
      '"for <@U1ANN|ann> &amp; <mailto:a@b.example|a@b.example> &lt;b&gt;"',
      [quoted('for @ann & a@b.example <b>')],
    ],
    ['reason="lost her phone"', [{ kind: 'option', key: 'reason', value: quoted('lost her phone') }]],
    ['—max-uses=3', [{ kind: 'option', key: 'max_uses', value: word('3') }]],
    ['--agent=a=b', [{ kind: 'option', key: 'agent', value: word('a=b') }]],
    ['person=<@U1ANN|ann>', [{ kind: 'option', key: 'person', value: { kind: 'user', id: 'U1ANN' } }]],
    [
      'Group:Name -rf / #x ; * &amp;',
      [word('Group:Name'), word('-rf'), word('/'), word('#x'), word(';'), word('*'), word('&')],
    ],
    ['&lt;@U1ANN&gt;', [word('<@U1ANN>')]],
    ['<@U1ANN', [word('<@U1ANN')]],
    ['a\u00a0b\u200bc', [word('a'), word('bc')]],
    ['', []],
    ['   ', []],
  ])('%s', (line, tokens) => {
    expect(tokenize(line)).toEqual(tokens);
  });

  test.each([
    ['an open quotation mark is said, not guessed', '"half', 'unclosed_quote'],
    ['an open quotation mark of an option as well', 'reason="half', 'unclosed_quote'],
    ['a broadcast is refused', 'reset password <!channel>', 'broadcast'],
    ['a broadcast with a label too', '<!here|here>', 'broadcast'],
    ['a long line is left to the form', 'x'.repeat(MAX_LINE + 1), 'too_long'],
  ])('%s', (_, line, error) => {
    expect(tokenize(line)).toBe(error);
  });

  test('any text is taken apart without throwing, and no entity is made up from escaped text', () => {
    const pieces = fc.constantFrom(
      '<@U1ANN|x>',
      '<',
      '>',
      '"',
      '“',
      ' ',
      'a',
      '=',
      '--k=',
      '&lt;@U9EVIL&gt;',
      '<!',
      '|',
      '\u200b',
      '<mailto:a@b.co|z>',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.array(pieces).map((all) => all.join('')),
        ),
        (line) => {
          const tokens = tokenize(line);
          if (typeof tokens === 'string') return;
          const users = tokens
            .flatMap((token) => (token.kind === 'option' ? [token.value] : [token]))
            .filter((value) => value.kind === 'user');
          for (const user of users)
            expect(line.replace(/[\u200b-\u200d\u2060\ufeff]/g, '')).toContain(`<@${user.id}`);
        },
      ),
    );
  });

  test('the longest line takes no longer than a moment', () => {
    const started = performance.now();
    for (const unit of ['<', '"a', '<@', 'a=', '<!', '--a']) tokenize(unit.repeat(MAX_LINE / unit.length));
    expect(performance.now() - started).toBeLessThan(500);
  });
});
