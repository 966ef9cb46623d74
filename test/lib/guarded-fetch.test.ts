import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createGuardedFetch, isPublicAddress } from '#lib/guarded-fetch.ts';

let asked = 0;
const server = createServer((request, response) => {
  asked += 1;
  if (request.url === '/moved') response.writeHead(302, { location: '/here' }).end();
  else response.end(request.headers.accept);
});
let port = 0;
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});
afterAll(() => server.close());

const get = (url: string, loopback: boolean) =>
  createGuardedFetch({ loopback })(url, { headers: { accept: 'x' }, signal: AbortSignal.timeout(2000) });

test('addresses of special use are not public, however they are written', () => {
  for (const inside of [
    '127.0.0.1',
    '10.1.2.3',
    '172.31.255.255',
    '192.168.0.1',
    '169.254.169.254',
    '100.64.0.1',
    '0.0.0.0',
    '224.0.0.1',
    '255.255.255.255',
    '::1',
    '::',
    'fe80::1',
    'fd00::1',
    '::ffff:127.0.0.1',
    '::ffff:8.8.8.8',
    '64:ff9b::7f00:1',
    '2002:7f00:1::',
    '2001:db8::1',
    'ff02::1',
    'localhost',
    '',
  ])
    expect([inside, isPublicAddress(inside)]).toEqual([inside, false]);
  for (const outside of ['8.8.8.8', '172.32.0.1', '2606:4700::1111'])
    expect(isPublicAddress(outside)).toBe(true);
});

/** The first and the last address of each range that must not be asked, and its public neighbours. */
const RANGES: readonly (readonly [first: string, last: string, ...neighbours: string[]])[] = [
  ['0.0.0.0', '0.255.255.255', '1.0.0.0'],
  ['10.0.0.0', '10.255.255.255', '9.255.255.255', '11.0.0.0'],
  ['100.64.0.0', '100.127.255.255', '100.63.255.255', '100.128.0.0'],
  ['127.0.0.0', '127.255.255.255', '126.255.255.255', '128.0.0.0'],
  ['169.254.0.0', '169.254.255.255', '169.253.255.255', '169.255.0.0'],
  ['172.16.0.0', '172.31.255.255', '172.15.255.255', '172.32.0.0'],
  ['192.0.0.0', '192.0.0.255', '191.255.255.255', '192.0.1.0'],
  ['192.0.2.0', '192.0.2.255', '192.0.1.255', '192.0.3.0'],
  ['192.31.196.0', '192.31.196.255'],
  ['192.52.193.0', '192.52.193.255'],
  ['192.88.99.0', '192.88.99.255', '192.88.98.255', '192.88.100.0'],
  ['192.168.0.0', '192.168.255.255', '192.167.255.255', '192.169.0.0'],
  ['192.175.48.0', '192.175.48.255'],
  ['198.18.0.0', '198.19.255.255', '198.17.255.255', '198.20.0.0'],
  ['198.51.100.0', '198.51.100.255', '198.51.99.255', '198.51.101.0'],
  ['203.0.113.0', '203.0.113.255', '203.0.112.255', '203.0.114.0'],
  ['224.0.0.0', '255.255.255.255', '223.255.255.255'],
  ['::', '1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', '2000::'],
  ['2001::', '2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff', '2001:200::'],
  ['2001:db8::', '2001:db8:ffff:ffff:ffff:ffff:ffff:ffff', '2001:db7::', '2001:db9::'],
  ['2002::', '2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff', '2003::'],
  ['3fff::', '3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff', '3ffe:ffff::', '3fff:1000::'],
  ['4000::', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
];

test.each(RANGES)('%s to %s is not public', (first, last, ...neighbours) => {
  expect([first, last].map(isPublicAddress)).toEqual([false, false]);
  expect(neighbours.map(isPublicAddress)).toEqual(neighbours.map(() => true));
});

test('an address with a zone, and one in a form that programs read differently, is not public', () => {
  const odd = ['2606:4700::1111%eth0', '010.8.8.8', '8.8', '134744072', '0x8.8.8.8'];
  expect(odd.map(isPublicAddress)).toEqual(odd.map(() => false));
});

test('a name that leads to loopback is not asked, nor is an address that is not https', async () => {
  for (const url of [
    `http://127.0.0.1:${port}/`,
    `https://127.0.0.1:${port}/`,
    `https://localhost:${port}/`,
    `https://[::1]:${port}/`,
    `https://2130706433:${port}/`,
    `https://0x7f.1:${port}/`,
    'https://user:secret@example.com/',
    'ftp://example.com/',
  ])
    await expect(get(url, false)).rejects.toThrow(TypeError);
  expect(asked).toBe(0);
});

test('in a sandbox loopback is read, redirects are handed back, and nothing else is let through', async () => {
  const answer = await get(`http://127.0.0.1:${port}/here`, true);
  expect([answer.status, await answer.text()]).toEqual([200, 'x']);
  const moved = await get(`http://127.0.0.1:${port}/moved`, true);
  expect([moved.status, asked]).toEqual([302, 2]);
  await moved.body?.cancel();
  await expect(get('http://169.254.169.254/', true)).rejects.toThrow(TypeError);
  await expect(get('https://10.0.0.1/', true)).rejects.toThrow(TypeError);
});

test('what the settings of the server name is asked where it is; its neighbours are not', async () => {
  const own = createGuardedFetch({ loopback: false, trusted: [`http://127.0.0.1:${port}/oauth2/default`] });
  const init = { headers: { accept: 'x' }, signal: AbortSignal.timeout(2000) };
  expect(await (await own(`http://127.0.0.1:${port}/oauth2/default/v1/keys`, init)).text()).toBe('x');
  const before = asked;
  for (const url of [
    `http://127.0.0.1:${port + 1}/`,
    `http://localhost:${port}/`,
    `https://127.0.0.1:${port}/`,
  ])
    await expect(own(url, init)).rejects.toThrow(TypeError);
  expect(asked).toBe(before);
});
