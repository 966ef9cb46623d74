/** A wire value as text: strings as they are, numbers in digits, anything else (null, objects) as nothing. */
export const stringOf = (value: unknown): string =>
  typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';

/** The words of a text object; empty where there is none. */
export const wordsOf = (value: unknown): string =>
  typeof value === 'object' && value !== null && 'text' in value ? stringOf(value.text) : '';
