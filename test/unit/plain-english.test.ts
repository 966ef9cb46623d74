import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { loadCatalogue } from '#engine/catalogue.ts';

const root = resolve(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');

/**
 * Phrases that make readers stop, and what to write instead. Short on purpose: each is one that this project
 * had written often.
 */
const AVOID: readonly (readonly [phrase: RegExp, instead: string])[] = [
  [/\bwhoever\b/i, 'name the person: "the requester", "anyone who"'],
  [/(?<!\bthere )\b(?:is|are) no (?!longer\b|more than\b|one\b)[a-z-]+\b/i, '"is not a …"'],
  [/\bof before\b/i, '"existing" or "old"'],
  [/\bwhatever is set\b/i, '"even if an organisation sets its own policies"'],
  [/\bdoors?\b/i, '"interface", "endpoint" or "surface"'],
  [/\b(?:key|bundle|bundles|mandate|text|setting|id) stands?\b/i, '"is set", "is valid"'],
  [/\bstands? (?:twice|in the ledger|in for)\b/i, '"is listed twice", "is recorded in the ledger"'],
  [/\bwants? (?:step-up|an? approval|a person)\b/i, '"needs"'],
  [/\bleft out[:;]/i, '"Default: …"'],
  [/\bat most (?:this|so) many\b/i, '"Maximum number of …"'],
  [/\b(?:signature|proof|assertion)\b[^.]{0,30} does not hold\b/i, '"is invalid"'],
  [/\banew\b/i, '"again"'],
  [/\bmay be had\b|\bcannot be had\b/i, '"is not available"'],
  [/\bnobody need\b/i, '"you don\'t need to"'],
  [/\bit is allowed to:/i, '"This is allowed for: …"'],
  [
    /\b(?:token|policy|text|keys?)s? of before\b|\bnobody is asked\b|\bas (?:his|her) own\b/i,
    'say it in one short sentence',
  ],
  [/\b(?:agent|agents|rules|terms|mapping|request) stands?\b/i, '"exists", "is in …"'],
];

/** What is wrong with these texts, as "where: phrase → instead". */
const complaints = (texts: Iterable<readonly [where: string, text: string]>): string[] =>
  [...texts].flatMap(([where, text]) =>
    AVOID.flatMap(([phrase, instead]) => {
      const found = phrase.exec(text)?.[0];
      return found === undefined ? [] : [`${where}: "${found}" → ${instead}`];
    }),
  );

/** Every description within a JSON Schema, by its path. */
function* descriptions(schema: unknown, path: string): Generator<readonly [string, string]> {
  if (typeof schema !== 'object' || schema === null) return;
  for (const [name, member] of Object.entries(schema)) {
    if (name === 'description' && typeof member === 'string') yield [path, member];
    else yield* descriptions(member, `${path}.${name}`);
  }
}

/** Whether a line is a comment: those have readers of their own. */
const isComment = (line: string): boolean => /^\s*(?:\*|\/\*|\/\/)/.test(line);

/** Every quoted text, and every text between tags, of more than two words in source code, line by line. */
function* literals(file: string): Generator<readonly [string, string]> {
  for (const [index, line] of read(file).split('\n').entries()) {
    if (isComment(line)) continue;
    const quoted = [...line.matchAll(/(["'`])((?:\\.|(?!\1).)*)\1/g)].map(([, , text = '']) => text);
    // Between the tags of a page.
    const shown = [...line.matchAll(/>([^<>{}]+)<\//g)].map(([, text = '']) => text);
    for (const text of [...quoted, ...shown])
      if (text.split(' ').length > 2) yield [`${file}:${index + 1}`, text];
  }
}

/** The running text of a page: no code, no link targets. */
const prose = (file: string): string =>
  read(file)
    .replaceAll(/^ *```[^]*?^ *```/gm, '')
    .replaceAll(/`[^`\n]+`/g, '')
    .replaceAll(/\]\([^)\s]+\)/g, ']');

const catalogue = await loadCatalogue(pathToFileURL(join(root, 'tools/')));

describe('plain English', () => {
  test('in what a tool says of itself, its input and its output', () => {
    const texts = catalogue.all.flatMap(({ tool, inputSchema }) => [
      [tool.name, `${tool.title}. ${tool.description}`] as const,
      ...descriptions(inputSchema, tool.name),
      ...descriptions(z.toJSONSchema(tool.output, { unrepresentable: 'any' }), `${tool.name} output`),
    ]);
    expect(texts.length).toBeGreaterThan(300);
    expect(complaints(texts)).toEqual([]);
  });

  test('in the reasons of policies', () => {
    const texts = globSync('policies/*.cedar', { cwd: root }).flatMap((file) =>
      [...read(file).matchAll(/@(?:reason|allows)\("([^"]+)"\)/g)].map(
        ([, text = '']) => [file, text] as const,
      ),
    );
    expect(texts.length).toBeGreaterThan(40);
    expect(complaints(texts)).toEqual([]);
  });

  test('in errors and everything else that source code says, the sandbox included', () => {
    const files = globSync(['src/**/*.ts', 'tools/**/*.ts'], { cwd: root });
    const texts = files.flatMap((file) => [...literals(file)]);
    expect(texts.length).toBeGreaterThan(1700);
    expect(complaints(texts)).toEqual([]);
  });

  test('in what scripts print, and in the stories of the demo', () => {
    const texts = globSync('scripts/**/*.{ts,mjs}', { cwd: root }).flatMap((file) => [...literals(file)]);
    expect(texts.length).toBeGreaterThan(500);
    expect(complaints(texts)).toEqual([]);
  });

  test('on every page', () => {
    // Names of tests are not sentences for readers, and tools.md is made from the catalogue.
    const pages = globSync(['*.md', 'docs/**/*.md', 'examples/**/*.md'], { cwd: root }).filter(
      (file) => !/laws\.md$|tools\.md$/.test(file),
    );
    expect(pages.length).toBeGreaterThan(30);
    const texts = pages.flatMap((file) =>
      prose(file)
        .split('\n')
        .map((line) => [file, line] as const),
    );
    expect(complaints(texts)).toEqual([]);
  });
});

describe('a tool', () => {
  const verbs = new Set(
    (
      'Add Apply Approve Break Confirm Create Delegate Disable Dismiss Enable Explain Find Freeze Give Grant Lift Link List Map Narrow ' +
      'Preview Register Remove Renew Request Reset Review Revoke Rotate Save Set Show Suspend Thaw Transfer Try Unmap Use Wait Withdraw'
    ).split(' '),
  );

  test('has a verb phrase as its title', () => {
    const titles = catalogue.all.map(({ tool }) => tool.title);
    expect(titles.filter((title) => !verbs.has(title.split(' ')[0] ?? ''))).toEqual([]);
  });

  test('is described in at most three sentences, of at most 360 characters', () => {
    const long = catalogue.all.filter(
      ({ tool: { description } }) =>
        !description.endsWith('.') ||
        description.length > 360 ||
        description.split(/\.(?: |$)/).filter((sentence) => sentence !== '').length > 3,
    );
    expect(long.map(({ tool }) => tool.name)).toEqual([]);
  });
});
