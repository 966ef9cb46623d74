import { newSigningKey } from './keys.ts';
import type { Simulation } from './simulation.ts';

// The current key and the one before it, as at Okta.
const PUBLISHED_KEYS = 2;

/**
 * Gives the custom authorization server a new signing key; the previous one stays published. Returns the new
 * `kid`.
 */
export async function rotateKeys(sim: Simulation): Promise<string> {
  const { keys } = sim.org;
  keys.custom = [await newSigningKey(), ...keys.custom].slice(0, PUBLISHED_KEYS);
  sim.changed();
  return keys.custom[0]!.kid;
}
