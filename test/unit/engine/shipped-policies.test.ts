import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadCatalogue } from '#engine/catalogue.ts';
import { loadPolicies, VALIDATED, validatedDigest } from '#engine/decide/policies.ts';

const root = resolve(import.meta.dirname, '../../..');
const catalogue = await loadCatalogue(pathToFileURL(join(root, 'tools/')));
let folder: string;
const load = () => loadPolicies(pathToFileURL(`${folder}/`), catalogue);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'prokura-policies-'));
  await cp(join(root, 'policies'), folder, { recursive: true });
});
afterEach(async () => rm(folder, { recursive: true, force: true }));

test('a policy that was changed is validated at the start, whatever the digest beside it says', async () => {
  const file = join(folder, 'default.cedar');
  const unknown =
    '@id("of-an-attribute-that-is-not-there")\nforbid (principal, action, resource) when { context.weather == "rain" };';
  await writeFile(file, `${await readFile(file, 'utf8')}\n${unknown}\n`);
  await expect(load()).rejects.toThrow(/weather/);
});

test('without a digest, policies are validated too, and those that fit are loaded', async () => {
  await rm(join(folder, VALIDATED));
  const book = await load();
  expect(validatedDigest(book.text, catalogue)).toBe(
    (await readFile(join(root, 'policies', VALIDATED), 'utf8')).trim(),
  );
});
