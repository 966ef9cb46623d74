import { OAuthError } from '../oauth-error.ts';

/**
 * The one resource that a token is asked for, or null if none was named. Throws OAuthError `invalid_target`
 * for several.
 */
export function oneTarget([first, ...others]: readonly string[]): string | null {
  if (others.every((other) => other === first)) return first ?? null;
  throw new OAuthError(
    'invalid_target',
    'target',
    'A token is for one resource. Name exactly one, as audience or resource.',
  );
}

/**
 * The audience of the token (RFC 8693 section 2.1, RFC 8707 section 2). Throws OAuthError `invalid_target`.
 */
export function audienceFor(wanted: string | null, known: readonly string[]): string {
  const audience = wanted ?? known[0];
  if (audience === undefined || !known.includes(audience)) {
    throw new OAuthError(
      'invalid_target',
      'target',
      known.length === 0
        ? 'This token or assertion is not for a resource of this organisation.'
        : `audience or resource must be one of: ${known.join(' ')}.`,
    );
  }
  return audience;
}

/** Those of the known audiences that the subject token allows. `bound` null: all of them. */
export const keepAllowed = (known: readonly string[], bound: readonly string[] | null): readonly string[] =>
  bound === null ? known : known.filter((audience) => bound.includes(audience));
