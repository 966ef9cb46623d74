import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { samplePerson } from '#sandbox/company.ts';
import { main } from '../../src/main/cli.ts';
import { eventually, openWorld, type World } from '../support/world.ts';

/** What the developer of an agent gets to run: the README's commands, and the example in Python. */
const ROOT = resolve(import.meta.dirname, '../..');
const SCOPES = ['okta.mfa.reset', 'okta.password.reset'];

let world: World;
let folder: string;
beforeAll(async () => {
  world = await openWorld();
  folder = mkdtempSync(join(tmpdir(), 'prokura-agent-'));
  // The files that a sandbox leaves in its data folder.
  writeFileSync(join(folder, 'sandbox-keys.json'), JSON.stringify(world.company));
  writeFileSync(
    join(folder, 'sandbox.json'),
    JSON.stringify({ oktaPort: Number(new URL(world.okta.url).port) }),
  );
});
afterAll(async () => {
  await world.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a program to its end. `waiting` resolves once it has said that it waits. */
async function run(
  program: string,
  args: readonly string[],
  more: Record<string, string> = {},
  waiting?: () => Promise<void>,
): Promise<Ran> {
  const { PATH = '', HOME = '' } = process.env;
  const env = { PATH, HOME, PROKURA_DATA: folder, ...more };
  const child = spawn(program, args, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let [out, err] = ['', ''];
  const asked: Promise<void>[] = [];
  child.stdout.on('data', (piece: Buffer) => (out += piece.toString()));
  child.stderr.on('data', (piece: Buffer) => {
    err += piece.toString();
    if (waiting !== undefined && asked.length === 0 && /waiting for/i.test(err)) asked.push(waiting());
  });
  const code = await new Promise<number>((done) => {
    child.on('error', () => done(-1));
    child.on('close', (status) => done(status ?? -1));
  });
  await Promise.all(asked);
  return { code, out, err };
}

const prokura = (...args: string[]) => run(process.execPath, ['src/main/cli.ts', ...args]);

/** The commands of "First five minutes" in the README, changed to use this test's world. */
function readmeCommands(): string[] {
  const part =
    /## First five minutes\n([^]*?)\n## /.exec(readFileSync(join(ROOT, 'README.md'), 'utf8'))?.[1] ?? '';
  return [...part.matchAll(/```sh\n([^]*?)```/g)].map(([, block = '']) =>
    block.replaceAll(/^ +/gm, '').trim(),
  );
}

const here = (command: string): string =>
  command.replaceAll('http://127.0.0.1:3000', world.url).replaceAll(/(?:\.\/)?\.prokura\//g, `${folder}/`);

/**
 * Registers the agent with this public key, and has Bob give it a mandate that Mona approves: steps 4 and 5
 * of the README.
 */
async function ready(name: string, publicKey: string): Promise<{ agent: string; mandate: string }> {
  const outcome = await world.as(await world.actor('dana'), 'agent_register', {
    name,
    owner: (await world.person('carl')).id,
    scopes: SCOPES,
    public_key: publicKey,
  });
  if (outcome.status !== 'done') throw new Error(JSON.stringify(outcome));
  const id = String(outcome.output['agent_id']);
  return { agent: id, mandate: await world.mandate('bob', { id, name, privateJwk: {} }, { scopes: SCOPES }) };
}

/** Waits until the agent's call asks for an approval, and approves it as Mona. */
async function monaApproves(agent: string): Promise<void> {
  const row = await eventually(
    async () =>
      (
        await world.sql<{ id: string }[]>`
          select a.id from approvals a join calls c on c.id = a.call_id
          where a.state = 'pending' and c.tool = 'okta_reset_mfa' and to_jsonb(c)::text like ${`%${agent}%`}`
      )[0],
    "the agent's call waits for an approval",
  );
  expect(await world.vote('mona', row.id)).toMatchObject({ status: 'done' });
}

const enrolled = (key: string) => world.okta.org.users.get(samplePerson(key).oktaId)?.factors.length;

describe('the commands for an agent in the README', () => {
  test('paste into bash and zsh: no comments, and quotes that are closed on their line', () => {
    const commands = readmeCommands();
    expect(commands.filter((one) => one.includes('npm run prokura -- agent '))).toHaveLength(3);
    for (const line of commands.flatMap((one) => one.split('\n'))) {
      expect(line).not.toMatch(/(?:^|\s)#|!/);
      const quotes = [`'`, '"'].map((quote) => line.split(quote).length - 1);
      expect(quotes.filter((count) => count % 2 === 1)).toEqual([]);
    }
  });

  test('make a key, take a token, call a tool that Mona approves, and prove the record of it', async () => {
    const [key, token, call, record, ...more] = readmeCommands().map(here) as [
      string,
      string,
      string,
      string,
    ];
    expect(more).toEqual([]);
    const bash = (command: string, waiting?: () => Promise<void>) =>
      run('bash', ['-ec', command], {}, waiting);

    const made = await bash(key);
    expect(made).toMatchObject({ code: 0 });
    const publicKey = /^\{.*\}$/m.exec(made.out)?.[0] ?? '';
    expect(Object.keys(JSON.parse(publicKey) as object)).toEqual(['kty', 'crv', 'x', 'y']);
    expect(statSync(join(folder, 'agent-key.json')).mode & 0o077).toBe(0);
    const { agent, mandate } = await ready('my-bot', publicKey);

    const taken = await bash(token);
    expect(taken).toMatchObject({ code: 0, err: expect.stringContaining(mandate) });
    expect(statSync(join(folder, 'agent-token.json')).mode & 0o077).toBe(0);
    expect(taken.out + taken.err).not.toMatch(/eyJ[\w-]{20,}\./);

    expect(enrolled('ann')).toBeGreaterThan(0);
    const called = await bash(call, () => monaApproves(agent));
    expect(called.err).toContain('waiting for Mona Patel to approve');
    expect(called).toMatchObject({ code: 0, out: expect.stringContaining('"removed"') });
    expect(enrolled('ann')).toBe(0);

    expect(await bash(record)).toMatchObject({ code: 0, out: expect.stringContaining('The chain holds') });
  });
});

describe('prokura agent', () => {
  let agent: string;
  let mandate: string;
  let key: string;
  beforeAll(async () => {
    key = join(folder, 'own-key.json');
    ({ agent, mandate } = await ready('own-bot', (await prokura('agent', 'key', '--key', key)).out));
  });
  /** The arguments of a live agent, which has none of the sandbox's files. */
  const parts = (more: Record<string, string> = {}) =>
    Object.entries({ agent, issuer: world.company.issuer, mandate, key, ...more }).flatMap(
      ([name, value]) => [`--${name}`, value],
    );
  const bob = () => world.okta.tokenFor(samplePerson('bob').email, { scopes: ['delegation:exchange'] });
  const token = (args: readonly string[], env: Record<string, string>) =>
    run(process.execPath, ['src/main/cli.ts', 'agent', 'token', ...args], env);

  test("takes the person's token from a file or the environment, and prints the delegation token alone where it is asked to", async () => {
    const file = join(folder, 'subject');
    writeFileSync(file, `${await bob()}\n`);
    const fromFile = await token([...parts(), '--subject-token-file', file, '--print'], {});
    const fromEnv = await token([...parts(), '--subject-token-env', 'SUBJECT', '--print'], {
      SUBJECT: await bob(),
    });
    for (const one of [fromFile, fromEnv])
      expect(one).toMatchObject({
        code: 0,
        err: '',
        out: expect.stringMatching(/^eyJ[\w-]+\.[\w-]+\.[\w-]+\n$/),
      });
    const assertion = await prokura('agent', 'assertion', ...parts().slice(0, 4), '--key', key);
    expect(assertion).toMatchObject({ code: 0, out: expect.stringMatching(/^eyJ[\w.-]+\n$/) });
  });

  test('says in a sentence what is wrong: no key, a key that is there, no such mandate, no server, no token', async () => {
    const SUBJECT = await bob();
    const subject = ['--subject-token-env', 'SUBJECT'];
    const absent = join(folder, 'absent.json');
    expect(await token([...parts({ key: absent }), ...subject], { SUBJECT })).toMatchObject({
      code: 2,
      err: `There is no file ${absent}. Make a key with: prokura agent key --key ${absent}\n`,
    });

    const before = readFileSync(key, 'utf8');
    expect(await prokura('agent', 'key', '--key', key)).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringContaining(`${key} exists, and is never overwritten.`),
    });
    expect(readFileSync(key, 'utf8')).toBe(before);

    const wrong = await token([...parts({ mandate: `mdt_${'0'.repeat(26)}` }), ...subject], { SUBJECT });
    expect(wrong).toMatchObject({ code: 1, out: '', err: expect.stringMatching(/^invalid_grant: .+\n$/) });

    const nobody = await token([...parts({ issuer: 'http://127.0.0.1:1/t/tnt_x' }), ...subject], { SUBJECT });
    expect(nobody).toMatchObject({ code: 1, err: expect.stringContaining('Is the server running') });

    expect(await token([...parts(), ...subject], {})).toMatchObject({
      code: 2,
      err: 'The environment variable SUBJECT is not set.\n',
    });
    expect(await token([...parts(), '--subject-token', SUBJECT], {})).toMatchObject({
      code: 2,
      err: expect.stringContaining('not taken from the command line'),
    });
    expect(await prokura('agent', 'call', 'okta_reset_mfa', '--token', absent)).toMatchObject({
      code: 2,
      err: `There is no file ${absent}. Get a token with: prokura agent token\n`,
    });
    expect(await prokura('agent', 'call', 'okta_reset_mfa', '--input', '{person:')).toMatchObject({
      code: 2,
      err: '--input is not a JSON object: {person:\n',
    });
  });

  test('what Prokura refuses is said with its reason, and ends with exit code 1', async () => {
    const file = join(folder, 'own-token.json');
    const took = await token([...parts(), '--subject-token-env', 'S', '--token', file], { S: await bob() });
    expect(took).toMatchObject({ code: 0 });
    const call = (...args: string[]) => prokura('agent', 'call', ...args, '--token', file);
    const denied = await call('okta_reset_mfa', '--input', '{"person":"nina@acme.example"}');
    expect(denied).toMatchObject({ code: 1, err: expect.stringMatching(/Not done: denied \(\w+\)\. \w/) });
    expect(await call('okta_reset_mfa', '--input', '{"persn":"x"}')).toMatchObject({
      code: 1,
      err: expect.stringContaining('person'),
    });
    expect(await call('okta_fly')).toMatchObject({ code: 1, err: expect.stringContaining('okta_fly') });
    const open = await call('okta_reset_mfa', '--input', '{"person":"carl@acme.example"}', '--wait', '0');
    expect(open).toMatchObject({ code: 1, err: expect.stringContaining('Not decided yet.') });
    await monaApproves(agent);
    // The command that it suggests for later must find the result.
    const again = /approval_wait --input '(.+)'/.exec(open.err)?.[1] ?? '';
    expect(await call('approval_wait', '--input', again)).toMatchObject({
      code: 0,
      out: expect.stringContaining('"removed"'),
    });
  });

  test('help for each command, the version, and a list for what is not understood', async () => {
    for (const name of ['agent key', 'agent assertion', 'agent token', 'agent call', 'verify-ledger']) {
      const { code, out } = await prokura(...name.split(' '), '--help');
      expect(code).toBe(0);
      expect(out).toContain(`Usage: prokura ${name} `);
    }
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    expect(await prokura('--version')).toMatchObject({ code: 0, out: `${version}\n` });
    expect(await prokura('agent', 'dance')).toMatchObject({
      code: 2,
      err: expect.stringContaining('There is no command "agent dance".'),
    });
    expect(await prokura('agent', 'key', '--colour')).toMatchObject({
      code: 2,
      err: "Unknown option '--colour'. Run: prokura agent key --help\n",
    });
    expect(await prokura('verify-ledger', 'nowhere.ndjson')).toMatchObject({
      code: 2,
      err: 'nowhere.ndjson cannot be read: there is no such file\n',
    });
  });

  test('started by npm, it names commands as they are typed there', async () => {
    const said: string[] = [];
    const say = (text: string) => void said.push(text);
    const terminal = { out: say, err: say, env: { npm_lifecycle_event: 'prokura' } };
    expect(await main(['agent', 'key', '--colour'], terminal)).toBe(2);
    expect(await main(['agent', 'key', '--help'], terminal)).toBe(0);
    expect(await main(['agent'], terminal)).toBe(2);
    expect(said[0]).toBe("Unknown option '--colour'. Run: npm run prokura -- agent key --help\n");
    expect(said[1]).toContain('Usage: npm run prokura -- agent key ');
    expect(said[2]).toContain('  npm run prokura -- <command> --help');
  });
});

describe('the example agent in Python', () => {
  test('with a client secret and the standard library alone, it calls a tool that Mona approves', async ({
    skip,
  }) => {
    if ((await run('python3', ['--version'])).code !== 0) {
      console.warn('There is no python3 here: examples/python/agent.py was NOT run.');
      skip('there is no python3 here: examples/python/agent.py was not run');
    }
    const registered = await world.agent('python-bot', 'carl', SCOPES);
    const owner = await world.okta.tokenFor(samplePerson('carl').email, { scopes: ['agent.manage'] });
    const answer = await fetch(`${world.url}/v1/agents/${registered.id}/secret`, {
      method: 'POST',
      headers: { authorization: `Bearer ${owner}` },
    });
    expect(answer.status).toBe(201);
    const { client_secret: secret } = (await answer.json()) as { client_secret: string };
    const mandate = await world.mandate('bob', registered, { scopes: SCOPES });
    const settings = {
      ISSUER: world.company.issuer,
      AGENT_ID: registered.id,
      AGENT_SECRET: secret,
      MANDATE_ID: mandate,
      SUBJECT_TOKEN: await world.okta.tokenFor(samplePerson('bob').email, {
        scopes: ['delegation:exchange'],
      }),
    };
    const python = (env: Record<string, string>, waiting?: () => Promise<void>) =>
      run(
        'python3',
        ['examples/python/agent.py', 'okta_reset_mfa', '{"person": "carl@acme.example"}'],
        env,
        waiting,
      );

    const done = await python(settings, () => monaApproves(registered.id));
    expect(done).toMatchObject({ code: 0, out: expect.stringContaining('"removed"') });

    const { SUBJECT_TOKEN: _, ...without } = settings;
    expect(await python(without)).toMatchObject({
      code: 1,
      err: expect.stringContaining('Set SUBJECT_TOKEN'),
    });
    const wrong = await python({ ...settings, AGENT_SECRET: 'ags_wrong' });
    expect(wrong).toMatchObject({ code: 1, err: expect.stringMatching(/^invalid_client: /) });
    expect(wrong.err).not.toContain('ags_wrong');
    const nobody = await python({ ...settings, ISSUER: 'http://127.0.0.1:1/t/tnt_x' });
    expect(nobody).toMatchObject({ code: 1, err: expect.stringContaining('did not answer') });
  });
});
