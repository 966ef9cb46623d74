import { createServer, type Server } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Browser, pkce } from '../support/browser.ts';
import { openWorld, type World } from '../support/world.ts';

const REDIRECT = 'https://client.example/callback';

let world: World;
let inside: Server;
let port: number;
let connections = 0;
beforeAll(async () => {
  // Documents are fetched as in production, without a replacement for the network.
  world = await openWorld();
  inside = createServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  await new Promise<void>((resolve) => inside.listen(0, resolve));
  port = (inside.address() as AddressInfo).port;
});
afterAll(async () => {
  inside.close();
  await world.close();
});

async function ask(client_id: string) {
  const address = new URL(`${world.company.issuer}/oauth2/authorize`);
  address.search = new URLSearchParams({
    client_id,
    response_type: 'code',
    redirect_uri: REDIRECT,
    scope: 'okta.users.read',
    code_challenge: pkce().challenge,
    code_challenge_method: 'S256',
  }).toString();
  const { status, text, url } = await new Browser().go(address, REDIRECT);
  return { status, text, url };
}

test('T33: a client whose document would lie inside our own network is no client, and nothing is asked there', async () => {
  const hosts = [
    '127.0.0.1',
    'localhost',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '0.0.0.0',
    '10.0.0.1',
    '192.168.0.1',
    '169.254.169.254',
    '[fd00::1]',
    '[fe80::1]',
    '2130706433',
  ];
  for (const host of hosts) {
    const { status, text, url } = await ask(`https://${host}:${port}/client.json`);
    expect([host, status, url.origin]).toEqual([host, 400, new URL(world.url).origin]);
    expect(text).not.toContain('Approve');
  }
  expect(connections).toBe(0);
});

test('T33: an address that is none of a document is no client, and nothing is fetched for it', async () => {
  const strange = [
    `http://client.example:${port}/client.json`,
    'https://client.example',
    'https://client.example/client.json#part',
    'https://client.example/a/../client.json',
    'https://client.example/./client.json',
    'https://user:secret@client.example/client.json',
    'javascript:alert(1)',
    'file:///etc/passwd',
    `https://client.example/${'x'.repeat(5000)}`,
  ];
  for (const client_id of strange)
    expect([client_id, (await ask(client_id)).status]).toEqual([client_id, 400]);
});
