import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { envExample } from '../../scripts/generate-env-example.ts';
import { ConfigError, readConfig } from '../../src/config.ts';
import { Environment } from '../../src/environment.ts';

const LIVE = {
  OKTA_ORG_URL: 'https://acme.okta.com',
  OKTA_CLIENT_ID: '0oa1',
  OKTA_PRIVATE_KEY: '{"kty":"RSA","n":"x","e":"AQAB","d":"y"}',
  OKTA_ISSUER: 'https://acme.okta.com/oauth2/default',
  OKTA_AUDIENCE: 'api://prokura',
  SLACK_BOT_TOKEN: 'xoxb-1',
  SLACK_SIGNING_SECRET: 'a,b',
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

  test('all of Okta and Slack is live, with two signing secrets during a rotation', () => {
    const config = readConfig(LIVE);
    expect(config.mode).toBe('live');
    expect(config.slack?.signingSecrets).toEqual(['a', 'b']);
    expect(config.publicUrl).toBe('https://prokura.acme.com');
  });

  test.each(Object.keys(LIVE))('live without %s is refused, and the words name it', (name) => {
    const { [name as keyof typeof LIVE]: _, ...rest } = LIVE;
    expect(problemsOf(rest).join('\n')).toContain(name);
  });

  test('one real setting alone never becomes a sandbox with half of it real', () => {
    expect(problemsOf({ SLACK_BOT_TOKEN: 'xoxb-1' }).length).toBeGreaterThan(5);
    expect(problemsOf({ OKTA_API_TOKEN: '00x' }).length).toBeGreaterThan(4);
  });

  test('a simulator beside real settings is refused', () => {
    expect(problemsOf({ ...LIVE, SANDBOX_OKTA_URL: 'http://127.0.0.1:9999' }).join()).toContain(
      'never runs beside a real one',
    );
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

  test('every problem is told at once', () => {
    expect(problemsOf({ ...LIVE, PROKURA_MASTER_KEY: 'short', PUBLIC_URL: 'http://acme.com' })).toHaveLength(
      2,
    );
    expect(problemsOf({ PORT: 'abc', LOG_LEVEL: 'loud' })).toHaveLength(2);
  });
});
