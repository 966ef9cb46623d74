import { execFileSync } from 'node:child_process';
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../../..');
const sources = globSync('src/client/*.ts', { cwd: root });
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'prokura-client-'));
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const node = (...args: string[]) =>
  execFileSync(process.execPath, ['--no-warnings', ...args], { cwd: root, encoding: 'utf8' });

describe('the source of the client', () => {
  test('imports nothing but itself, and knows no runtime', () => {
    expect(sources.length).toBeGreaterThan(15);
    for (const file of sources) {
      const text = readFileSync(join(root, file), 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|\/\/ .*/g, '');
      for (const [, specifier] of text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g))
        expect(`${file}: ${specifier}`).toMatch(/: \.\/[a-z0-9-]+\.ts$/);
      expect(text).not.toMatch(/\b(?:Buffer|process|require|Deno|Bun|__dirname|NodeJS)\b/);
    }
  });
});

describe('the build', () => {
  test('of the client compiles without the types of Node, and works under plain node', () => {
    node(join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json', '--outDir', folder);
    const names = globSync('client/*', { cwd: folder });
    expect(names).toContain('client/index.js');
    expect(names).toContain('client/index.d.ts');
    const script = join(folder, 'use.js');
    writeFileSync(
      script,
      `import { createClient, ProkuraError } from './client/index.js';
      const { privateKey } = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign']);
      const issuer = 'https://p.test/t/1';
      const answers = { '/.well-known/oauth-authorization-server/t/1': { issuer, token_endpoint: issuer + '/token' },
        '/t/1/token': { access_token: 'opaque', token_type: 'Bearer', expires_in: 60 } };
      const client = createClient({ issuer, clientId: 'agt_1', privateKey,
        fetch: async (url) => Response.json(answers[new URL(url).pathname]) });
      const token = await client.exchangeToken({ subject_token: 's', mandate_id: 'm' });
      const error = await client.revoke('opaque').catch((thrown) => thrown);
      console.log(JSON.stringify([token.access_token, token.expires_in > 50, error instanceof ProkuraError, error.code]));`,
    );
    expect(JSON.parse(node('--no-strip-types', script))).toEqual(['opaque', true, true, 'unsupported']);
  });

  test('of the command line program runs without types and without the rest of the product', () => {
    node('scripts/build-cli.ts', '--out', folder);
    // The only package that it needs.
    mkdirSync(join(folder, 'node_modules'));
    symlinkSync(join(root, 'node_modules/lru-cache'), join(folder, 'node_modules/lru-cache'));
    expect(node('--no-strip-types', join(folder, 'main/cli.js'), 'help')).toContain('verify-ledger');
  });

  test('is what the package offers', () => {
    const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      exports: Record<string, { types: string; default: string }>;
      bin: Record<string, string>;
    };
    const offered = manifest.exports['./client']!;
    for (const path of [offered.types, offered.default, manifest.bin['prokura']!])
      expect(globSync(path.replace('./dist/', ''), { cwd: folder })).toHaveLength(1);
  });
});
