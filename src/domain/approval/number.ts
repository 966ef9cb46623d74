/**
 * How many numbers there are: short enough to say, and of the few requests that wait at one time seldom two
 * have the same.
 */
const NUMBERS = 9000;
const DIGITS = 32;
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/**
 * The number that people call a request by, as in "4821": four digits, always the same for one approval. It
 * is no identifier: two may share a number, and whoever names one by it must be asked which is meant.
 */
export function approvalNumber(approvalId: string): string {
  // The end of an id is random, its beginning the time.
  const random = approvalId.slice(-8).split('');
  const value = random.reduce(
    (sum, character) => (sum * DIGITS + Math.max(0, ALPHABET.indexOf(character))) % NUMBERS,
    0,
  );
  return String(1000 + value);
}
