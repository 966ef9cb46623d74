import { globSync, readFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');

/** Every source file of the product, as a path from the root of the repository, with its text. */
export const SOURCES: ReadonlyMap<string, string> = new Map(
  globSync(['src/**/*.ts', 'tools/**/*.ts'], { cwd: root }).map((file) => [
    file,
    readFileSync(resolve(root, file), 'utf8'),
  ]),
);

/** The file that an import names; null for a package. */
function fileOf(importer: string, specifier: string): string | null {
  if (specifier.startsWith('#')) return `src/${specifier.slice(1)}`;
  return specifier.startsWith('.') ? relative(root, resolve(root, dirname(importer), specifier)) : null;
}

/** The files that a file imports, for types also, in every form: `import`, `export … from`, `import()`. */
export const importsOf = (file: string, text: string): string[] =>
  [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].flatMap(
    ([, from = '']) => fileOf(file, from) ?? [],
  );

/** What a file takes from another to use at run time: names, or `*` where it takes everything. */
export function valuesTaken(
  file: string,
  text: string,
): { readonly from: string; readonly names: string[] }[] {
  const listed = [...text.matchAll(/^(?:import|export) (?!type )(?:\{([^}]*)\}|[^'{]*)\s*from '([^']+)'/gm)];
  const whole = [...text.matchAll(/\bimport\s*\(\s*'([^']+)'/g)];
  return [
    ...listed.map(([, names, from = '']) => ({ from, names: names?.split(',') ?? ['*'] })),
    ...whole.map(([, from = '']) => ({ from, names: ['*'] })),
  ].flatMap(({ from, names }) => {
    const target = fileOf(file, from);
    const values = names
      .map((name) => name.trim())
      .filter((name) => name !== '' && !name.startsWith('type '));
    return target === null || values.length === 0
      ? []
      : [{ from: target, names: values.map((name) => name.replace(/ as .*/, '')) }];
  });
}

/** The top-level statements of a formatted file: each begins at the margin with a word. */
const statements = (text: string): string[] => text.split(/\n(?=[a-z])/);

/**
 * Types that let their holder change rows: those of `domain/context.ts`, and every type of the domain that is
 * another name for one or extends one.
 */
function writerTypes(): RegExp {
  const names = new Set(['TenantWriter', 'WriteDb']);
  const declared = [...SOURCES]
    .filter(([file]) => file.startsWith('src/domain/'))
    .flatMap(([, text]) => statements(text))
    .flatMap((statement) => {
      const [, name, base] =
        /^(?:export )?(?:type (?=\w+\b[^]*=)|interface (?=\w+ extends))(\w+)([^{]*)/.exec(statement) ?? [];
      return name === undefined || base === undefined ? [] : [{ name, base }];
    });
  for (let before = 0; before < names.size;) {
    before = names.size;
    const known = new RegExp(`\\b(?:${[...names].join('|')})\\b`);
    for (const { name, base } of declared) if (known.test(base)) names.add(name);
  }
  return new RegExp(`\\b(?:${[...names].join('|')})\\b`);
}

const WRITER = writerTypes();

/** The exports of a file that take such a type, or handle one inside. */
export const writersIn = (text: string): ReadonlySet<string> =>
  new Set(
    statements(text).flatMap((statement) => {
      const [, name] =
        /^export (?:default |abstract )?(?:async )?(?:function\*?|const|let|class) (\w+)/.exec(statement) ??
        [];
      return name !== undefined && WRITER.test(statement) ? [name] : [];
    }),
  );

/** The shortest way from a file back to itself, for each file that is in a circle; each circle once. */
export function circlesIn(graph: ReadonlyMap<string, readonly string[]>): string[] {
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
