import { describe, expect, test } from 'vitest';
import { circlesIn, importsOf, SOURCES, valuesTaken, writersIn } from '../support/sources.ts';

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

const files = [...SOURCES.keys()];

const roomOf = (file: string): string => {
  const [top, second] = file.split('/');
  return top === 'tools' ? 'tools' : (second ?? '');
};

const imports = new Map([...SOURCES].map(([file, text]) => [file, importsOf(file, text)]));
const edges = files.flatMap((file) => (imports.get(file) ?? []).map((target) => ({ file, target })));

/**
 * Where Slack, MCP and REST reach what changes rows without a call. `toGo`: it is to become a tool.
 */
const WITHOUT_A_CALL: readonly {
  readonly file: string;
  readonly from: string;
  readonly why: string;
  readonly toGo?: true;
}[] = [
  {
    file: 'src/surfaces/slack/identity.ts',
    from: 'src/domain/person/accounts.ts',
    why: 'which Slack account is whose is known before anybody can call',
  },
  {
    file: 'src/surfaces/rest/once.ts',
    from: 'src/domain/call/repeats.ts',
    why: 'answers that are kept for an Idempotency-Key change nothing that anybody decides about',
  },
  ...[
    'src/domain/mandate/store.ts',
    'src/domain/mandate/uses.ts',
    'src/domain/verify/lock.ts',
    'src/domain/verify/store.ts',
  ].map((from) => ({
    file: 'src/surfaces/rest/verify.ts',
    from,
    why: 'a resource server asks about a use of its own, which is decided and counted in one transaction',
  })),
  {
    file: 'src/surfaces/rest/api-keys.ts',
    from: 'src/domain/tenant/api-key.ts',
    why: 'keys are made and revoked over REST only',
    toGo: true,
  },
  {
    file: 'src/surfaces/rest/signing-keys.ts',
    from: 'src/domain/token/keys/rotate-signing-key.ts',
    why: 'signing keys are rotated over REST only',
    toGo: true,
  },
];

/**
 * The interfaces' files that use `readonly`, so do not wait in line with lists and searches (`browse`). Each
 * reads a few rows by key, at any size of an organisation, or all rows of a kind of which there is a handful.
 */
const WITHOUT_A_LINE: Readonly<Record<string, string>> = {
  'src/surfaces/approval-page/show.ts': 'one approval',
  'src/surfaces/approval-page/sign-in.ts': 'one sign-in',
  'src/surfaces/mcp/run-tool.ts': 'the call and the mandate at hand',
  'src/surfaces/mcp/server.ts': 'the mandate at hand, and the policies in force',
  'src/surfaces/oauth/browser/adapter.ts': 'one sign-in, grant or client',
  'src/surfaces/oauth/browser/interaction.ts': 'the name of the organisation',
  'src/surfaces/oauth/browser/provider.ts': 'one person',
  'src/surfaces/rest/api-keys.ts': "an administrator's list of keys",
  'src/surfaces/rest/identity-providers.ts': "an administrator's settings",
  'src/surfaces/rest/lists.ts': 'one call, one approval; its lists wait',
  'src/surfaces/rest/once.ts': 'one answer by its key',
  'src/surfaces/rest/signing-keys.ts': "an administrator's list of keys",
  'src/surfaces/rest/spiffe-bundles.ts': "an administrator's settings",
  'src/surfaces/rest/tools.ts': 'the call at hand',
  'src/surfaces/rest/verify.ts': 'one decision',
  'src/surfaces/rest/verify-what.ts': 'the agent, the principal and the mandate of one decision',
  'src/surfaces/slack/answer.ts': 'the answer at hand',
  'src/surfaces/slack/clicks.ts': 'the thing that was clicked',
  'src/surfaces/slack/commands/ask.ts': 'what a command names',
  'src/surfaces/slack/commands/usable.ts': 'what the person may use',
  'src/surfaces/slack/drafts.ts': 'one form',
  'src/surfaces/slack/forms/check.ts': 'what a form names',
  'src/surfaces/slack/forms/narrow.ts': 'the approval at hand',
  'src/surfaces/slack/forms/open.ts': 'what a form names',
  'src/surfaces/slack/identity.ts': 'one account',
  'src/surfaces/slack/intake.ts': 'one command or click',
  'src/surfaces/slack/narrow.ts': 'the approval at hand',
  'src/surfaces/slack/project.ts': 'a job: messages about what changed',
  'src/surfaces/slack/run.ts': 'the call at hand',
  'src/surfaces/slack/vote.ts': 'the approval at hand',
};

/** What is imported for use and takes a `TenantWriter`. `transact` gives one: for a surface's own rows. */
const reached = [...SOURCES]
  .filter(([file]) => /^src\/surfaces\/(?:slack|mcp|rest)\//.test(file))
  .flatMap(([file, text]) => valuesTaken(file, text).map((taken) => ({ file, ...taken })))
  .filter(({ from }) => /^src\/(?:domain|engine)\//.test(from) && from !== 'src/engine/transact.ts')
  .flatMap(({ file, from, names }) => {
    const writers = writersIn(SOURCES.get(from) ?? '');
    const taken = names.filter((name) => writers.has(name) || (name === '*' && writers.size > 0));
    return taken.length === 0 ? [] : [{ file, from, taken }];
  });

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

  test('no interface imports another interface', () => {
    const surfaceOf = (file: string) => (roomOf(file) === 'surfaces' ? file.split('/')[2] : null);
    expect(
      edges.filter(
        ({ file, target }) =>
          surfaceOf(file) !== null && surfaceOf(target) !== null && surfaceOf(file) !== surfaceOf(target),
      ),
    ).toEqual([]);
  });

  test('Slack, MCP and REST reach nothing that takes a TenantWriter: they call(), and read to draw', () => {
    const isListed = ({ file, from }: { file: string; from: string }) =>
      WITHOUT_A_CALL.some((one) => one.file === file && one.from === from);
    expect(reached.filter((one) => !isListed(one))).toEqual([]);
    const needed = (one: { file: string; from: string }) =>
      reached.some(({ file, from }) => file === one.file && from === one.from);
    expect(WITHOUT_A_CALL.filter((one) => one.toGo !== true && !needed(one))).toEqual([]);
  });

  test('what an interface reads waits in line with lists, unless it is listed here', () => {
    const unbounded = [...SOURCES]
      .filter(([file]) => file.startsWith('src/surfaces/'))
      .filter(([file, text]) =>
        valuesTaken(file, text).some(
          ({ from, names }) => from === 'src/engine/transact.ts' && names.includes('readonly'),
        ),
      )
      .map(([file]) => file);
    expect(unbounded.toSorted()).toEqual(Object.keys(WITHOUT_A_LINE).toSorted());
  });

  test('what takes a TenantWriter is found by its signature, under every name', () => {
    expect(
      writersIn(
        [
          'export async function freeze(\n  ctx: TenantWriter,\n  id: string,\n): Promise<void> {\n}',
          'export const confirm = async (ctx: WriteContext) => undefined;',
          'export const later = (app: App) => ({\n  run: (ctx: Pick<TenantWriter, "emit">) => undefined,\n});',
          'export function find(reader: TenantReader): Promise<null> {\n}',
          'function own(ctx: TenantWriter) {\n}',
          'export interface Desk {\n  run(ctx: TenantWriter): void;\n}',
        ].join('\n'),
      ),
    ).toEqual(new Set(['freeze', 'confirm', 'later']));
    expect([...SOURCES.values()].reduce((sum, text) => sum + writersIn(text).size, 0)).toBeGreaterThan(150);
    const taken = valuesTaken(
      'src/surfaces/rest/x.ts',
      [
        "import type { Agent } from '#domain/agent/store.ts';",
        "import { type Person, findPerson as find } from '#domain/person/store.ts';",
        "import * as revoke from '#domain/mandate/revoke.ts';",
        "export { hold } from '../../domain/breaker/guard.ts';",
        "const { renew } = await import('#domain/mandate/renew.ts');",
      ].join('\n'),
    );
    expect(taken).toEqual([
      { from: 'src/domain/person/store.ts', names: ['findPerson'] },
      { from: 'src/domain/mandate/revoke.ts', names: ['*'] },
      { from: 'src/domain/breaker/guard.ts', names: ['hold'] },
      { from: 'src/domain/mandate/renew.ts', names: ['*'] },
    ]);
  });

  test('only stores, tables and the verbs of a noun touch tables', () => {
    const allowed = (file: string) =>
      file.startsWith('src/domain/') ||
      /(?:store|tables)\.ts$/.test(file) ||
      file.startsWith('src/engine/transact');
    expect(edges.filter(({ file, target }) => target.endsWith('/tables.ts') && !allowed(file))).toEqual([]);
  });

  test('only what is started reads the environment', () => {
    const readers = files.filter((file) => /process\.env/.test(SOURCES.get(file) ?? ''));
    expect(readers.toSorted()).toEqual(['src/main/cli.ts', 'src/main/main.ts']);
  });
});
