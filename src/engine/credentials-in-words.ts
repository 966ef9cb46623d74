import { code, type AnswerField } from './answer-words.ts';

/**
 * With what an agent authenticates now, for people: its key IDs, or the address or identity that it has
 * instead.
 */
export const credentialFields = (one: {
  readonly kids: readonly string[];
  readonly jwks_url: string | null;
  readonly spiffe_id: string | null;
}): readonly AnswerField[] => [
  [
    one.kids.length > 1 ? 'Key IDs' : 'Key ID',
    one.kids.length === 0
      ? null
      : one.kids.flatMap((kid, index) => (index === 0 ? [code(kid)] : [', ', code(kid)])),
  ],
  ['JWKS URL', one.jwks_url === null ? null : [code(one.jwks_url)]],
  ['SPIFFE ID', one.spiffe_id === null ? null : [code(one.spiffe_id)]],
];
