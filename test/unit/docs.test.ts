import { execFileSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadCatalogue } from '#engine/catalogue.ts';
import { loadPolicies, preparePolicies } from '#engine/decide/policies.ts';
import { copyTree } from '../../scripts/testing/tree-copy.ts';

const root = resolve(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const docs = globSync(['*.md', 'docs/**/*.md', 'bench/*.md'], { cwd: root }).sort();
const worked = ['README.md', 'AGENTS.md', 'CONTRIBUTING.md'];

/** A fenced block of CONTRIBUTING.md, by the file that it names. */
function block(file: string): string {
  const found = read('CONTRIBUTING.md').split(
    `\`\`\`${file.endsWith('.cedar') ? 'cedar' : 'ts'} ${file}\n`,
  )[1];
  if (found === undefined) throw new Error(`CONTRIBUTING.md has no block ${file}`);
  return found.slice(0, found.indexOf('\n```') + 1);
}

/** Every table of the schema, as the `tables.ts` files define them. */
const tables = globSync('src/**/tables.ts', { cwd: root }).flatMap((file) =>
  [...read(file).matchAll(/pgTable\(\s*'([a-z_]+)'/g)].map(([, name = '']) => name),
);

const prose = (file: string): string => read(file).replaceAll(/^ *```[^]*?^ *```/gm, '');

describe('what the documents name exists', () => {
  test('all of them were seen', () => {
    for (const file of [
      ...worked,
      'CLAUDE.md',
      'SECURITY.md',
      'CHANGELOG.md',
      'docs/agents.md',
      'docs/operations.md',
    ])
      expect(docs).toContain(file);
    expect(docs.filter((file) => /^docs\/decisions\/\d{4}-/.test(file)).length).toBeGreaterThanOrEqual(14);
  });

  test('no document is empty, and the list of decisions names every decision', () => {
    expect(docs.filter((file) => read(file).trim() === '')).toEqual([]);
    const listed = [...read('docs/decisions/README.md').matchAll(/\]\((\d{4}-[^)]+)\)/g)].map(
      ([, name]) => `docs/decisions/${name}`,
    );
    expect(listed).toEqual(docs.filter((file) => /^docs\/decisions\/\d{4}-/.test(file)));
  });

  test('every npm script', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const named = docs.flatMap((file) =>
      [...read(file).matchAll(/npm (?:run ([a-z][a-z:-]*)|(start|test)\b)/g)].map(
        ([, script, short]) => `${file}: ${script ?? short ?? ''}`,
      ),
    );
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter((one) => !Object.hasOwn(scripts, one.split(': ')[1] ?? ''))).toEqual([]);
  });

  test('every file behind a relative link', () => {
    const links = docs.flatMap((file) =>
      [...prose(file).matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, target = '']) =>
        /^[a-z]+:/.test(target) ? [] : [{ file, target: target.replace(/#.*$/, '') }],
      ),
    );
    expect(links.length).toBeGreaterThan(25);
    const broken = links.filter(
      ({ file, target }) => target !== '' && !existsSync(resolve(root, dirname(file), target)),
    );
    expect(broken).toEqual([]);
  });

  test('every path in README, AGENTS, CONTRIBUTING and the decisions', () => {
    const example = [
      'tools/okta/expire-password.ts',
      'policies/expire-password.cedar',
      'test/surfaces/expire-password.test.ts',
      'src/jobs/log-freezes.ts',
    ];
    const paths = [...worked, ...docs.filter((file) => file.startsWith('docs/'))].flatMap((file) =>
      [
        ...read(file).matchAll(
          /(?<![\w./-])((?:src|tools|test|docs|policies|scripts|bench)\/[\w./{},*<>-]+)/g,
        ),
      ].map(([, path = '']) => ({ file, path: path.replace(/[.,]+$/, '') })),
    );
    const plain = paths.filter(
      ({ file, path }) =>
        !/[*<>{}]|^tools\/(?:call|list)$/.test(path) &&
        !(file === 'CONTRIBUTING.md' && example.includes(path)),
    );
    expect(plain.length).toBeGreaterThan(40);
    const missing = plain.filter(
      ({ file, path }) => !existsSync(join(root, path)) && !existsSync(join(root, dirname(file), path)),
    );
    expect(missing).toEqual([]);
  });

  test('every tool and setting that is named in running text', async () => {
    const catalogue = await loadCatalogue(pathToFileURL(join(root, 'tools/')));
    // Fields, methods, a code and a tool of the worked example that look like names of tools.
    const others = [
      'client_id',
      'client_ids',
      'client_assertion',
      'client_assertion_type',
      'client_secret_basic',
      'client_secret_post',
      'okta_expire_password',
      'approval_id',
      'approval_url',
      'mandate_id',
      'agent_id',
      'agent_owner',
      'agent_owner_manager',
      'spiffe_id',
      'policy_error',
    ];
    const families = [...new Set(catalogue.all.map(({ family }) => family))].join('|');
    const tools = docs
      .filter((file) => !file.startsWith('bench/'))
      .flatMap((file) =>
        [...prose(file).matchAll(new RegExp(`\`((?:${families})_[a-z_]+)\``, 'g'))].map(
          ([, name = '']) => name,
        ),
      );
    expect(tools.length).toBeGreaterThan(20);
    const known = [...others, ...tables];
    expect(tools.filter((name) => !known.includes(name) && catalogue.get(name) === undefined)).toEqual([]);
    // Every Slack command on a page begins like a tool's command.
    const commands = catalogue.all.flatMap(({ tool }) => tool.command?.split(/ [<[]/)[0] ?? []);
    const roots = [...new Set(commands.map((command) => command.split(' ')[0]))].join('|');
    const shown = docs.flatMap((file) =>
      [...prose(file).matchAll(new RegExp(`\`((?:${roots}) [^\`]+)\``, 'g'))].map(([, text = '']) => text),
    );
    expect(shown.length).toBeGreaterThan(20);
    expect(
      shown.filter(
        (text) =>
          !text.endsWith(' help') && !commands.some((command) => `${text} `.startsWith(`${command} `)),
      ),
    ).toEqual([]);
    const settings = docs.flatMap((file) => [
      ...read(file).matchAll(/`((?:OKTA|SLACK|PROKURA|MCP|SANDBOX|DATABASE|PUBLIC|LOG)_[A-Z_]+)\b/g),
    ]);
    const example = read('.env.example');
    expect(settings.map(([, name]) => name).filter((name) => !example.includes(`${name}=`))).toEqual([]);
  });

  test('every table, on the page of which data is kept', () => {
    expect(tables.length).toBeGreaterThan(30);
    const page = read('docs/data.md');
    expect(tables.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  });

  test('every block of JSON is JSON', () => {
    const blocks = docs.flatMap((file) =>
      [...read(file).matchAll(/^```json\n([^]*?)^```/gm)].map(([, text = '']) => ({ file, text })),
    );
    expect(blocks.length).toBeGreaterThan(5);
    for (const { file, text } of blocks) expect(() => JSON.parse(text), `${file}: ${text}`).not.toThrow();
  });

  test('every REST path that is named in running text', () => {
    const { paths } = JSON.parse(read('docs/openapi.json')) as { paths: Record<string, unknown> };
    // Interfaces outside of the REST description, and families of paths.
    const elsewhere = /^\/v1\/(?:bootstrap|scim\/v2(?:\/.*)?|tools\/…|tools\/<name>)$/;
    const named = docs.flatMap((file) =>
      [...read(file).matchAll(/(?:GET|POST|PUT|DELETE)\s+(\/v1\/[\w/{}<>…-]+)/g)].map(
        ([, path = '']) => path,
      ),
    );
    expect(named.length).toBeGreaterThan(8);
    expect(named.filter((path) => !elsewhere.test(path) && !Object.hasOwn(paths, path))).toEqual([]);
  });
});

describe('the files for agents and lawyers', () => {
  test('AGENTS.md has at most sixty lines, and CLAUDE.md is it', () => {
    expect(read('AGENTS.md').split('\n').length).toBeLessThanOrEqual(61);
    expect(read('CLAUDE.md')).toBe('@AGENTS.md\n');
  });

  test('the licence is Apache-2.0, whole, with its appendix', () => {
    const text = read('LICENSE');
    expect(text).toContain('Version 2.0, January 2004');
    expect(text).toContain('APPENDIX: How to apply the Apache License to your work.');
    expect(text).toContain('Copyright [yyyy] [name of copyright owner]');
    expect(JSON.parse(read('package.json'))).toMatchObject({ license: 'Apache-2.0' });
  });

  test('nothing names a place outside of the repository', () => {
    const outside = /\.\.\/shared|(?<![\w.])\/(?:work|tmp|home|root)\//;
    expect([...docs, 'docs/architecture.svg'].filter((file) => outside.test(read(file)))).toEqual([]);
  });
});

describe('the tool that CONTRIBUTING.md works out', () => {
  const TOOL = 'tools/okta/expire-password.ts';
  const TEST = 'test/surfaces/expire-password.test.ts';
  let folder: string;

  // Inside the project, so that `#engine/…` resolves, but outside of `tools/`, which other tests load at the
  // same time.
  beforeAll(() => {
    folder = mkdtempSync(join(import.meta.dirname, '.docs-'));
    mkdirSync(join(folder, 'tools/okta'), { recursive: true });
    writeFileSync(join(folder, TOOL), block(TOOL));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const load = () => loadCatalogue(pathToFileURL(`${join(folder, 'tools')}/`));

  test('is a tool of the catalogue, under the name of its place, and none that there is already', async () => {
    const { all } = await load();
    expect(all.map(({ tool, family }) => [tool.name, family, tool.effects])).toEqual([
      ['okta_expire_password', 'okta', 'act'],
    ]);
    const real = await loadCatalogue(pathToFileURL(join(root, 'tools/')));
    expect(real.get('okta_expire_password')).toBeUndefined();
  });

  test('has policies that fit the schema, and that ask as they say', async () => {
    const real = await loadCatalogue(pathToFileURL(join(root, 'tools/')));
    const all = [...real.all, ...(await load()).all];
    const catalogue = { all, get: (name: string) => all.find(({ tool }) => tool.name === name) };
    const text = `${read('policies/default.cedar')}\n${block('policies/expire-password.cedar')}`;
    const { policies } = preparePolicies(text, catalogue).forTool('okta_expire_password');
    expect([...policies.keys()]).toEqual(
      expect.arrayContaining([
        'managers-expire-passwords-of-their-reports',
        'it-admins-act-at-okta',
        'agents-ask-before-they-change-okta',
      ]),
    );
    expect(policies.get('passwords-of-privileged-people-take-two-admins')).toMatchObject({
      addsOnly: true,
      requirement: { quorum: 2, stepUp: true },
    });
    // The real set still loads without it.
    await expect(loadPolicies(pathToFileURL(join(root, 'policies/')), real)).resolves.toBeDefined();
  });

  test('compiles in a copy of the tree with the lines that the page adds, and so does its test', () => {
    const copy = copyTree(root);
    try {
      for (const file of [TOOL, TEST]) writeFileSync(join(copy.root, file), block(file));
      const lines = [
        ...read('CONTRIBUTING.md').matchAll(/^\| `(src\/[\w/]+\.ts)`.*\| `(expirePassword.*)` \|$/gm),
      ];
      expect(lines.length).toBeGreaterThan(1);
      for (const [, file = '', line = ''] of lines) addAbility(join(copy.root, file), line);
      // `database.ts` declares what the test's world injects.
      const files = [TOOL, TEST, 'test/support/database.ts', ...lines.map(([, file = '']) => file)];
      const config = { extends: './tsconfig.json', include: [], files };
      writeFileSync(join(copy.root, 'tsconfig.example.json'), JSON.stringify(config));
      expect(errorsOf(copy.root, 'tsconfig.example.json')).toBe('');
    } finally {
      copy.remove();
    }
  });
});

/** Adds a line of the page where the abilities of a file are: after `suspend`. */
function addAbility(file: string, line: string): void {
  const source = readFileSync(file, 'utf8');
  const changed = source.replace(/^ +suspend\b.*[;,]$/m, (suspend) => `${suspend}\n${line}`);
  if (changed === source)
    throw new Error(`${file} has no ability to suspend, beside which the example stands`);
  writeFileSync(file, changed);
}

/** What the compiler says about a project; nothing if it compiles. */
function errorsOf(folder: string, config: string): string {
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  try {
    const args = [tsc, '--project', config, '--pretty', 'false'];
    execFileSync(process.execPath, args, { cwd: folder, encoding: 'utf8' });
    return '';
  } catch (error) {
    return String((error as { stdout?: unknown }).stdout);
  }
}
