/**
 * Validates the shipped policies and writes the digest of what was validated. With `--check`, says whether it
 * is fresh.
 */
import { loadCatalogue } from '#engine/catalogue.ts';
import { readPolicies, VALIDATED, validatedDigest } from '#engine/decide/policies.ts';
import { generated } from './generated-file.ts';

const folder = new URL('../policies/', import.meta.url);
const catalogue = await loadCatalogue(new URL('../tools/', import.meta.url));
const digest = validatedDigest(await readPolicies(folder), catalogue);
await generated(new URL(VALIDATED, folder), `${digest}\n`);
