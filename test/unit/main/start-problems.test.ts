import { expect, test } from 'vitest';
import { readConfig } from '../../../src/main/config.ts';
import { startProblem } from '../../../src/main/start-problems.ts';

const config = readConfig({ PORT: '443' });
const failure = (code: string, more: object) =>
  Object.assign(new Error(`${code}: as the system says it`), { code, ...more });

test.each([
  ['EADDRINUSE', { port: 443 }, 'Port 443 is in use by another program. Stop that program, or set PORT'],
  ['EADDRINUSE', { port: 3001 }, 'Port 3001, which this sandbox used for a simulator, is in use'],
  ['EACCES', { port: 443 }, 'not allowed to listen on port 443. Set PORT to 1024 or higher'],
  ['EADDRNOTAVAIL', { port: 443 }, 'HOST=127.0.0.1 is not an address of this machine'],
  ['EACCES', { path: '/var/lib/prokura' }, 'not allowed to write /var/lib/prokura. Change its owner'],
  ['EROFS', { path: '/srv/prokura' }, '/srv/prokura is on a file system that can only be read'],
  ['ENOSPC', { path: '/srv/prokura' }, 'The disk is full: /srv/prokura could not be written'],
  ['EEXIST', { path: '/srv/prokura' }, '/srv/prokura cannot be a folder: a file of that name'],
])('%s %o: a start says what is in the way and what to do, without a stack', (code, more, words) => {
  const said = startProblem(failure(code, more), config);
  expect(said).toContain(words);
  expect(said).not.toMatch(/as the system says it|\n\s+at /);
});

test('an error that nobody foresaw is shown with its stack', () => {
  for (const error of [new Error('what is this'), failure('EIO', { path: '/srv/prokura' })])
    expect(startProblem(error, config)).toMatch(/\n\s+at /);
});
