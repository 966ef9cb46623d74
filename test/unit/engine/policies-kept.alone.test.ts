import { readFileSync } from 'node:fs';
import { expect, test, vi } from 'vitest';
import { loadCatalogue } from '#engine/catalogue.ts';
import type * as engine from '#engine/decide/engine.ts';
import { preparePolicies } from '#engine/decide/policies.ts';
import { sha256 } from '#lib/crypto.ts';

/** The sets whose memory Cedar was told to free. */
const released = vi.hoisted(() => [] as string[]);
vi.mock('#engine/decide/engine.ts', async (original) => {
  const real = await original<typeof engine>();
  const openCedar = (): engine.CedarEngine => {
    const opened = real.openCedar();
    return { ...opened, release: (id) => (released.push(id), opened.release(id)) };
  };
  return { ...real, openCedar };
});

test('the least recently used text of a tenant leaves the cache when it is full, and Cedar with it', async () => {
  const catalogue = await loadCatalogue(new URL('../../../tools/', import.meta.url));
  const shipped = readFileSync(new URL('../../../policies/default.cedar', import.meta.url), 'utf8');
  let tried = 0;
  const book = preparePolicies(shipped, catalogue, async () => ((tried += 1), { policies: [] }));
  const [first, second, third] = ['a', 'b', 'c'].map((letter) => letter.repeat(6_000_000)) as [
    string,
    string,
    string,
  ];
  const use = (text: string) =>
    book.inForce({ version: 1, digest: sha256(text), singleAdmin: false }, () => Promise.resolve({ text }));
  await use(first);
  await use(second);
  await use(first);
  expect([tried, released]).toEqual([2, []]);
  await use(third);
  expect([tried, released]).toEqual([3, [sha256(second)]]);
});
