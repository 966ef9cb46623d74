import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { envExample } from '../../scripts/env-example.ts';
import { ConfigError, readConfig } from '../../src/main/config.ts';
import { Environment } from '../../src/main/environment.ts';

const LIVE = {
  PROKURA_MODE: 'live',
  OKTA_ORG_URL: 'https://acme.okta.com',
  OKTA_CLIENT_ID: '0oa1',
  OKTA_PRIVATE_KEY: '{"kty":"RSA","n":"x","e":"AQAB","d":"y"}',
  OKTA_ISSUER: 'https://acme.okta.com/oauth2/default',
  OKTA_AUDIENCE: 'api://prokura',
  SLACK_BOT_TOKEN: 'xoxb-1',
  SLACK_SIGNING_SECRET: `${'a'.repeat(32)},${'b'.repeat(32)}`,
  SLACK_TEAM_ID: 'T1',
  SLACK_APP_ID: 'A1',
  PUBLIC_URL: 'https://prokura.acme.com/',
  PROKURA_MASTER_KEY: Buffer.alloc(32, 7).toString('base64'),
};

const problemsOf = (env: Record<string, string>): readonly string[] => {
  try {
    readConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
};

describe('the settings', () => {
  test('.env.example lists every setting, as the schema has it', () => {
    const text = readFileSync(new URL('../../.env.example', import.meta.url), 'utf8');
    expect(text).toBe(envExample());
    for (const name of Object.keys(Environment.shape)) expect(text).toContain(`${name}=`);
  });

  test('nothing set is a sandbox on loopback', () => {
    const config = readConfig({ OKTA_ORG_URL: '', SLACK_BOT_TOKEN: '  ' });
    expect(config).toMatchObject({ mode: 'sandbox', host: '127.0.0.1', port: 3000, okta: null, slack: null });
    expect(Object.isFrozen(config)).toBe(true);
  });

  test('PROKURA_MODE=live with all of Okta and Slack is live, with two signing secrets during a rotation', () => {
    const config = readConfig(LIVE);
    expect(config.mode).toBe('live');
    expect(config.slack?.signingSecrets).toEqual(['a'.repeat(32), 'b'.repeat(32)]);
    expect(config.publicUrl).toBe('https://prokura.acme.com');
  });

  test.each(Object.keys(LIVE))('live without %s is refused, and the words name it', (name) => {
    const { [name as keyof typeof LIVE]: _, ...rest } = LIVE;
    expect(problemsOf(rest).join('\n')).toContain(name);
  });

  test('live that lacks everything is refused with all that is missing, and is never a sandbox', () => {
    expect(problemsOf({ PROKURA_MODE: 'live' }).length).toBeGreaterThan(9);
  });

  test.each(['SLACK_BOT_TOKEN', 'OKTA_API_TOKEN', 'OKTA_LOGIN_CLIENT_ID'])(
    'a sandbox with %s is refused: going live is asked for',
    (name) => {
      expect(problemsOf({ [name]: 'x' })).toEqual([
        `${name}: a sandbox simulates Okta and Slack. Set PROKURA_MODE=live to connect to your own, or remove it.`,
      ]);
    },
  );

  test.each([
    ['OKTA_ORG_ULR', 'Did you mean OKTA_ORG_URL?'],
    ['SLACK_BOT_TOKE', 'Did you mean SLACK_BOT_TOKEN?'],
    ['PROKURA_MASTERKEY', 'Did you mean PROKURA_MASTER_KEY?'],
    ['PROKURA_XYZZY', 'Remove it from the environment.'],
  ])('the unknown name %s is refused, also live: %s', (name, words) => {
    for (const env of [{}, LIVE]) {
      expect(problemsOf({ ...env, [name]: 'x' })).toEqual([`${name} is not a setting of Prokura. ${words}`]);
    }
    // Other programs have their own variables.
    expect(problemsOf({ PATH: '/bin', MCP_URL: 'x', OPENAI_API_KEY: 'x' })).toEqual([]);
  });

  test('a simulator beside real settings is refused', () => {
    expect(problemsOf({ ...LIVE, SANDBOX_OKTA_URL: 'http://127.0.0.1:9999' })).toEqual([
      'SANDBOX_OKTA_URL is set, but PROKURA_MODE=live never uses a simulator. Remove it.',
    ]);
  });

  test('a sandbox too is refused a master key or a signing secret that cannot be used, in words that do not quote it', () => {
    expect(problemsOf({ PROKURA_MASTER_KEY: 'a-secret' })).toEqual([
      'PROKURA_MASTER_KEY must be 32 bytes in base64: openssl rand -base64 32',
    ]);
    const slack = { SANDBOX_SLACK_URL: 'http://127.0.0.1:1', SANDBOX_SLACK_BOT_TOKEN: 'xoxb-1' };
    expect(problemsOf({ ...slack, SANDBOX_SLACK_SIGNING_SECRET: 'a-secret' })).toEqual([
      'SANDBOX_SLACK_SIGNING_SECRET is too short: it has at least 16 characters. Copy it from the simulator.',
    ]);
  });

  test('a sandbox that would listen beyond loopback is refused', () => {
    expect(problemsOf({ HOST: '0.0.0.0' }).join()).toContain('127.0.0.1 only');
    expect(problemsOf({ SANDBOX_OKTA_URL: 'http://10.0.0.1:1' }).join()).toContain('on this machine');
  });

  test('the org authorization server is refused as an issuer', () => {
    expect(problemsOf({ ...LIVE, OKTA_ISSUER: 'https://acme.okta.com' }).join()).toContain(
      'custom authorization server',
    );
  });

  test.each([
    ['with its line breaks', (pem: string) => pem],
    ['with \\n in their place', (pem: string) => pem.trim().replaceAll('\n', '\\n')],
  ])('the private key may be a PEM %s, with its key id', (_, written) => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
    const config = readConfig({ ...LIVE, OKTA_PRIVATE_KEY: written(pem), OKTA_KEY_ID: 'kid1' });
    expect(config.okta?.credential).toEqual({
      kind: 'private_key',
      clientId: '0oa1',
      privateKey: { ...privateKey.export({ format: 'jwk' }), kid: 'kid1' },
    });
    expect(problemsOf({ ...LIVE, OKTA_PRIVATE_KEY: written(pem) })).toEqual([
      'OKTA_KEY_ID is missing: a PEM does not contain its key id. Okta shows it beside the key (KID).',
    ]);
  });

  test('a key id wins over the one in the JSON Web Key, and means nothing without a key', () => {
    const config = readConfig({ ...LIVE, OKTA_KEY_ID: 'kid2' });
    expect(config.okta?.credential).toMatchObject({ privateKey: { kty: 'RSA', kid: 'kid2' } });
    const { OKTA_PRIVATE_KEY: _, OKTA_CLIENT_ID: __, ...rest } = LIVE;
    expect(problemsOf({ ...rest, OKTA_API_TOKEN: 'x', OKTA_KEY_ID: 'kid2' })).toEqual([
      'OKTA_KEY_ID is set without OKTA_PRIVATE_KEY.',
    ]);
  });

  test.each([
    ['a public key', '{"kty":"RSA","n":"x","e":"AQAB"}'],
    ['a damaged PEM', '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----'],
    ['something else', 'secret-text'],
  ])('%s in place of the private key is refused, and the words do not quote it', (_, text) => {
    const [problem, ...more] = problemsOf({ ...LIVE, OKTA_PRIVATE_KEY: text, OKTA_KEY_ID: 'kid1' });
    expect(problem).toMatch(/^OKTA_PRIVATE_KEY is not a private key/);
    expect(problem).not.toContain(text);
    expect(more).toEqual([]);
  });

  test.each([
    ['SLACK_BOT_TOKEN', 'xapp-1-A1-2-secret', 'is an app-level token (xapp-…)'],
    ['SLACK_BOT_TOKEN', 'xoxp-1-secret', "is a user's token"],
    ['SLACK_BOT_TOKEN', 'secret', 'is not a bot token'],
    ['SLACK_SIGNING_SECRET', 'xoxb-1-secret', 'is a token'],
    ['SLACK_SIGNING_SECRET', 'a-secret', 'is too short: it has at least 16 characters'],
    [
      'SLACK_SIGNING_SECRET',
      `${'a'.repeat(32)},`,
      'is too short: each of the two has at least 16 characters',
    ],
    ['SLACK_TEAM_ID', 'acme', 'acme is not the id of a workspace'],
    ['SLACK_TEAM_ID', 'E012AB3CD', 'E012AB3CD is an Enterprise organization'],
    ['SLACK_APP_ID', 'B123', 'B123 is the id of a bot'],
    ['OKTA_CLIENT_ID', 'foo', 'foo is not a client id of Okta'],
    ['OKTA_LOGIN_CLIENT_ID', 'my app', 'my app is not a client id of Okta'],
  ])('%s=%s is plainly something else, and the words quote no secret', (name, value, words) => {
    const problems = problemsOf({ ...LIVE, [name]: value });
    expect(problems).toEqual([expect.stringContaining(`${name} ${words}`)]);
    expect(problems[0]).not.toContain('secret.');
    expect(problems[0]).not.toMatch(/-secret/);
  });

  test('client ids that an administrator chose are taken', () => {
    expect(problemsOf({ ...LIVE, OKTA_CLIENT_ID: 'prokura-service' })).toEqual([]);
  });

  test('what cannot be read and what does not fit is told in one round', () => {
    const problems = problemsOf({ ...LIVE, PORT: 'abc', PUBLIC_URL: 'nowhere', SLACK_APP_ID: 'B1' });
    expect(problems.map((one) => one.split(/[ :]/)[0])).toEqual(['PORT', 'PUBLIC_URL', 'SLACK_APP_ID']);
  });

  test('every problem is told at once', () => {
    expect(problemsOf({ ...LIVE, PROKURA_MASTER_KEY: 'short', PUBLIC_URL: 'http://acme.com' })).toHaveLength(
      2,
    );
    expect(problemsOf({ PORT: 'abc', LOG_LEVEL: 'loud' })).toHaveLength(2);
  });
});
