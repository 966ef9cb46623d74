import { globSync, readFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

/** Which layers each layer may import (imports point down only). A layer that is not listed imports none. */
const MAY: Record<string, readonly string[]> = {
  main: ['main', 'surfaces', 'jobs', 'engine', 'domain', 'db', 'lib', 'idp', 'sandbox', 'client', 'cli'],
  surfaces: ['engine', 'domain', 'db', 'lib'],
  jobs: ['engine', 'domain', 'db', 'lib'],
  tools: ['engine', 'domain', 'lib'],
  engine: ['domain', 'db', 'lib'],
  domain: ['db', 'lib'],
  idp: ['domain', 'lib'],
  db: ['lib'],
  lib: [],
  sandbox: ['lib'],
  client: [],
  cli: ['domain', 'client', 'lib'],
};

const root = resolve(import.meta.dirname, '../..');
const files = globSync(['src/**/*.ts', 'tools/**/*.ts'], { cwd: root });

const roomOf = (file: string): string => {
  const [top, second] = file.split('/');
  return top === 'tools' ? 'tools' : (second ?? '');
};

function importsOf(file: string): string[] {
  const text = readFileSync(resolve(root, file), 'utf8');
  const specifiers = [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map((match) => match[1] ?? '');
  return specifiers.flatMap((specifier) => {
    if (specifier.startsWith('#')) return [`src/${specifier.slice(1)}`];
    if (specifier.startsWith('.')) return [relative(root, resolve(root, dirname(file), specifier))];
    return [];
  });
}

const imports = new Map(files.map((file) => [file, importsOf(file)]));
const edges = files.flatMap((file) => (imports.get(file) ?? []).map((target) => ({ file, target })));

/** The shortest way from a file back to itself, for each file that is in a circle; each circle once. */
function circlesIn(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const found = new Map<string, string>();
  for (const start of graph.keys()) {
    const cameFrom = new Map<string, string>();
    const next = [start];
    for (const file of next)
      for (const target of graph.get(file) ?? [])
        if (!cameFrom.has(target)) {
          cameFrom.set(target, file);
          next.push(target);
        }
    if (!cameFrom.has(start)) continue;
    const way = [start];
    do way.unshift(cameFrom.get(way[0]!)!);
    while (way[0] !== start);
    const circle = way.slice(1).toSorted().join(' ');
    if (!found.has(circle)) found.set(circle, way.join(' → '));
  }
  return [...found.values()];
}

describe('the layers', () => {
  test('the whole tree was seen', () => {
    expect(files.length).toBeGreaterThan(150);
    expect(edges.length).toBeGreaterThan(400);
    expect(new Set(files.map(roomOf))).toEqual(
      new Set(
        Object.keys(MAY).filter(
          (room) => room !== 'client' || files.some((file) => file.startsWith('src/client/')),
        ),
      ),
    );
  });

  test('imports point down only', () => {
    const wrong = edges.filter(({ file, target }) => {
      const [from, to] = [roomOf(file), roomOf(target)];
      return from !== to && !(MAY[from] ?? []).includes(to);
    });
    expect(wrong).toEqual([]);
  });

  test('no file imports itself through others, types included', () => {
    expect(
      circlesIn(
        new Map([
          ['a', ['b']],
          ['b', ['c', 'd']],
          ['c', ['a']],
          ['d', []],
        ]),
      ),
    ).toEqual(['a → b → c → a']);
    expect(circlesIn(imports)).toEqual([]);
  });

  test('no door imports another door', () => {
    const door = (file: string) => (roomOf(file) === 'surfaces' ? file.split('/')[2] : null);
    expect(
      edges.filter(
        ({ file, target }) => door(file) !== null && door(target) !== null && door(file) !== door(target),
      ),
    ).toEqual([]);
  });

  test('Slack, MCP and REST use no verb of the domain: they call(), and read to draw', () => {
    const verbs =
      /^src\/domain\/\w+\/(?:create|revoke|register|withdraw|depart|suspend|provision|import|thaw)\.ts$/;
    expect(edges.some(({ target }) => verbs.test(target))).toBe(true);
    expect(
      edges.filter(
        ({ file, target }) => /^src\/surfaces\/(?:slack|mcp|rest)\//.test(file) && verbs.test(target),
      ),
    ).toEqual([]);
  });

  test('only stores, tables and the verbs of a noun touch tables', () => {
    const allowed = (file: string) =>
      file.startsWith('src/domain/') ||
      /(?:store|tables)\.ts$/.test(file) ||
      file.startsWith('src/engine/transact');
    expect(edges.filter(({ file, target }) => target.endsWith('/tables.ts') && !allowed(file))).toEqual([]);
  });

  test('only what is started reads the environment', () => {
    const readers = files.filter((file) => /process\.env/.test(readFileSync(resolve(root, file), 'utf8')));
    expect(readers.toSorted()).toEqual(['src/main/cli.ts', 'src/main/main.ts']);
  });
});
