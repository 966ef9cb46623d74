import * as fc from 'fast-check';
import { PgDialect } from 'drizzle-orm/pg-core';
import { describe, expect, it } from 'vitest';
import { compileFilter } from '#surfaces/scim/filter/compile.ts';
import { ScimFault } from '#surfaces/scim/faults.ts';
import { parseFilter, parsePath } from '#surfaces/scim/filter/parse.ts';

const compare = (path: string, op: string, value: string | null) => ({ kind: 'compare', path, op, value });
const refused = (text: string): unknown => {
  try {
    return parseFilter(text);
  } catch (error) {
    return error instanceof ScimFault ? error.answer.scimType : error;
  }
};

const outcome = (text: string): string => {
  const answer = refused(text);
  return typeof answer === 'string' ? answer : typeof answer;
};

describe('the filter grammar (RFC 7644 section 3.4.2.2)', () => {
  it('binds not before and, and and before or', () => {
    expect(parseFilter('a eq "1" or b pr AND not (c Ne "x")')).toEqual({
      kind: 'or',
      terms: [
        compare('a', 'eq', '1'),
        {
          kind: 'and',
          terms: [
            { kind: 'present', path: 'b' },
            { kind: 'not', term: compare('c', 'ne', 'x') },
          ],
        },
      ],
    });
  });
  it('reads quoted values as JSON does, so that words inside them mean nothing', () => {
    expect(parseFilter(String.raw`title eq "R and \"D\" \\ \u00e9"`)).toEqual(
      compare('title', 'eq', 'R and "D" \\ é'),
    );
  });
  it("reads Microsoft's bare words, and null", () => {
    expect(parseFilter('meta.Created gt 2015-10-10T14:38:21.8617979-07:00')).toEqual(
      compare('meta.Created', 'gt', '2015-10-10T14:38:21.8617979-07:00'),
    );
    expect(parseFilter('externalId eq null')).toEqual(compare('externalId', 'eq', null));
  });
  it('asks one element for both where a comparison follows a value filter', () => {
    expect(parseFilter('emails[type eq "work"].value eq "x"')).toEqual({
      kind: 'element',
      path: 'emails',
      filter: { kind: 'and', terms: [compare('type', 'eq', 'work'), compare('value', 'eq', 'x')] },
    });
  });
  it.each([
    '',
    'a',
    'a eq',
    'a eq "x',
    'a xx "y"',
    '(a pr',
    'a pr)',
    'a pr b pr',
    'a[b pr',
    'a[b pr].',
    'not a pr',
    'a eq "\\q"',
    'a eq "\\u0000"',
    'a pr and',
    '"a" eq b',
  ])('refuses %j', (text) => {
    expect(refused(text)).toBe('invalidFilter');
  });
  it('has limits of 4096 characters, 32 levels and 64 terms', () => {
    const levels = (n: number): string => `${'('.repeat(n)}a pr${')'.repeat(n)}`;
    const terms = (n: number): string => Array.from({ length: n }, () => 'a pr').join(' or ');
    expect([refused(levels(33)), refused(terms(65)), refused(`a eq "${'x'.repeat(4096)}"`)]).toEqual([
      'invalidFilter',
      'invalidFilter',
      'invalidFilter',
    ]);
    expect([levels(32), terms(64)].map((text) => typeof parseFilter(text))).toEqual(['object', 'object']);
    expect(refused('('.repeat(4000))).toBe('invalidFilter');
  });
  it('answers any text with a filter or with invalidFilter, in the end', () => {
    const word = fc.constantFrom(
      'a',
      'eq',
      'pr',
      'and',
      'or',
      'not',
      '(',
      ')',
      '[',
      ']',
      '"x"',
      '"',
      '.b',
      ' ',
      '\\',
      '$',
      'urn:x:2.0:',
      'null',
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 40 }), (words) => {
        const text = words.join('');
        expect(['invalidFilter', 'object']).toContain(outcome(text));
      }),
    );
  });
});

describe('PATCH paths', () => {
  it.each([
    ['name.givenName', { path: 'name.givenName', filter: null, sub: null }],
    ['emails[type eq "work"].value', { path: 'emails', filter: compare('type', 'eq', 'work'), sub: 'value' }],
    [
      'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.$ref',
      {
        path: 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.$ref',
        filter: null,
        sub: null,
      },
    ],
  ])('%s', (text, path) => {
    expect(parsePath(text)).toEqual(path);
  });
});

describe('the SQL of a filter', () => {
  const dialect = new PgDialect();
  it('holds every value as a parameter, whatever it is', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 1 }).filter((text) => !text.includes('\0') && text.isWellFormed()),
        (value) => {
          const marked = `§${value}§`;
          for (const path of [
            'userName',
            'externalId',
            'emails.value',
            'name.middleName',
            'urn:mandaitor:scim:1.0:User:delegationAuthority',
          ]) {
            const { sql, params } = dialect.sqlToQuery(
              compileFilter(parseFilter(`${path} eq ${JSON.stringify(marked)}`)),
            );
            expect(sql).not.toContain('§');
            expect(params).toEqual([marked]);
          }
        },
      ),
      { numRuns: 50 },
    );
  });
  it('lets the index on the folded login answer userName eq', () => {
    expect(dialect.sqlToQuery(compileFilter(parseFilter('userName eq "X"'))).sql).toBe(
      'people.login_folded = folded($1::text)',
    );
  });
  it.each([
    ['emails.value co "100%_\\\\"', '%100\\%\\_\\\\%'],
    ['userName ew "%"', '%\\%'],
  ])('escapes LIKE in %s', (filter, pattern) => {
    expect(dialect.sqlToQuery(compileFilter(parseFilter(filter))).params).toEqual([pattern]);
  });
});
