import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { main } from '../../src/main/cli.ts';

/** What a command prints of texts that others wrote: a server's, a policy's, a person's. */

// Sets the title of the terminal, clears it, writes over the line, and turns the direction of reading.
const HOSTILE = 'A\u001b]0;owned\u0007B\u001b[2JC\u009b31mD\rE\u202eF';
// oxlint-disable-next-line no-control-regex -- these characters are what it is about
const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e]/;

let server: Server;
let url: string;
let answer: { status: number; body: unknown };
beforeAll(async () => {
  server = createServer((_, response) => {
    response.writeHead(answer.status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer.body));
  }).listen(0, '127.0.0.1');
  await new Promise((ready) => server.once('listening', ready));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => server.close());

async function command(
  args: readonly string[],
  outIsShown: boolean,
): Promise<{ code: number; out: string; err: string }> {
  let [out, err] = ['', ''];
  const code = await main(args, {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    env: { KEY: `tnt_${'0'.repeat(26)}:mk_test_0` },
    outIsShown,
  });
  return { code, out, err };
}

const show = (outIsShown: boolean) =>
  command(['policy', 'show', '--url', url, '--key-env', 'KEY'], outIsShown);

test('a terminal is shown no control characters of others; a script gets the text as it is', async () => {
  answer = {
    status: 200,
    body: {
      result: {
        version: 2,
        text: `// ${HOSTILE}\n\tpermit;\n`,
        problem: HOSTILE,
        versions: [{ version: 2, at: '2026-01-01', note: `${HOSTILE}\nVersion 9.` }],
      },
    },
  };
  const shown = await show(true);
  expect(shown).toMatchObject({ code: 0, out: '// A]0;ownedB[2JC31mDEF\n\tpermit;\n' });
  expect(shown.err).not.toMatch(HIDDEN);
  expect(shown.err.split('\n')).not.toContain('Version 9.');
  const read = await show(false);
  expect(read.out).toBe(`// ${HOSTILE}\n\tpermit;\n`);
  expect(read.err).toBe(shown.err);
});

test('an error is shown without them too: of a server, of an argument, of a file', async () => {
  answer = { status: 403, body: { code: 'forbidden', detail: HOSTILE } };
  const refused = await show(false);
  expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('forbidden: A]0;owned') as string });
  for (const args of [
    ['nothing', HOSTILE],
    ['policy', 'check', '--url', url, '--file', HOSTILE],
    ['agent', 'call', 'x', '--input', HOSTILE],
  ]) {
    const { code, err } = await command(args, false);
    expect(code).toBe(2);
    expect(err).toContain('owned');
    expect(err).not.toMatch(HIDDEN);
  }
  expect(refused.err).not.toMatch(HIDDEN);
});
