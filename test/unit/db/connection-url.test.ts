import { rootCertificates } from 'node:tls';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { connectionTarget } from '#db/connection-url.ts';
import { readConfig } from '../../../src/main/config.ts';

const PLAIN = 'postgres://owner:p%40ss@db.example:5432/prokura';

describe('the parameters of a connection URL', () => {
  test.each([
    ['', false],
    ['?sslmode=disable', false],
    ['?sslmode=require', { rejectUnauthorized: false }],
    ['?sslmode=verify-full', {}],
    ['?sslmode=verify-full&sslrootcert=system&channel_binding=prefer', {}],
    ['?sslmode=require&application_name=x&connect_timeout=3&keepalives=1', { rejectUnauthorized: false }],
  ])('%s: neither driver sees them, and both get the same TLS', (search, ssl) => {
    expect(connectionTarget(`${PLAIN}${search}`)).toEqual({ url: PLAIN, ssl, options: '' });
  });

  test('a root certificate is read; verify-ca checks it and not the name of the host', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'prokura-ca-'));
    const file = join(folder, 'root.crt');
    await writeFile(file, rootCertificates[0] ?? '');
    try {
      const full = connectionTarget(`${PLAIN}?sslmode=verify-full&sslrootcert=${file}`).ssl;
      expect(full).toEqual({ ca: rootCertificates[0] });
      for (const mode of ['verify-ca', 'require']) {
        const { ssl } = connectionTarget(`${PLAIN}?sslmode=${mode}&sslrootcert=${file}`);
        expect(ssl).toEqual({ ca: rootCertificates[0], checkServerIdentity: expect.any(Function) });
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('what a pooler wants to hear in options is kept', () => {
    expect(connectionTarget(`${PLAIN}?options=endpoint%3Dep-1`)).toEqual({
      url: PLAIN,
      ssl: false,
      options: 'endpoint=ep-1',
    });
  });

  test.each([
    ['?sslmode=prefer', /sslmode=prefer.*Use require, verify-ca or verify-full/],
    ['?channel_binding=require', /channel_binding=require.*sslmode=verify-full/],
    ['?target_session_attrs=read-write', /parameter target_session_attrs.*Remove it/],
    ['?sslrootcert=/nowhere/root.crt', /\/nowhere\/root\.crt.*cannot be read/],
  ])('%s is refused by name, before anything starts', (search, said) => {
    expect(() => connectionTarget(`${PLAIN}${search}`)).toThrow(said);
    expect(() => readConfig({ DATABASE_URL: `${PLAIN}${search}` })).toThrow(said);
  });
});
