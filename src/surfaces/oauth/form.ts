import { isUtf8 } from 'node:buffer';
import { parse } from 'node:querystring';
import type { FormParameters } from '#domain/token/exchange-request.ts';
import { OAuthError } from '#domain/token/oauth-error.ts';
import { plainOfWeb, type PlainRequest } from '#lib/plain-http.ts';

/** Longest form that is read, in bytes. */
export const MAX_FORM_BYTES = 16 * 1024;
const MAX_PARAMETERS = 50;

const bad = (reason: string, description: string, status = 400): OAuthError =>
  new OAuthError('invalid_request', reason, description, { status });

/**
 * Reads a form strictly (RFC 6749 section 3.2 and appendix B): `application/x-www-form-urlencoded` in UTF-8, at most `MAX_FORM_BYTES`, nothing in the
 * URL. Parameters without a value are left out; repeated ones are kept, for the reader to refuse. Throws OAuthError `invalid_request` with status
 * 400, 413 or 415.
 */
export function readForm({ body, query, header }: PlainRequest): FormParameters {
  if (body === null) throw bodyTooLarge();
  if (query !== '') throw bad('query', 'Send every parameter in the body of the request, never in its URL.');
  if (
    !/^application\/x-www-form-urlencoded\s*(?:;\s*charset="?utf-8"?\s*)?$/i.test(
      (header('content-type') ?? '').trim(),
    )
  ) {
    throw bad('content_type', 'The body must be application/x-www-form-urlencoded.', 415);
  }
  const text = body.toString('utf8');
  if (!isUtf8(body) || /%(?![0-9a-f]{2})/i.test(text))
    throw bad('malformed_form', 'The body is not a well-formed form in UTF-8.');
  const form = new Map<string, string[]>();
  let count = 0;
  for (const [name, value] of Object.entries(parse(text, '&', '=', { maxKeys: MAX_PARAMETERS + 1 }))) {
    const values = typeof value === 'string' ? [value] : (value ?? []);
    count += values.length;
    // What is not UTF-8 behind its percent signs was replaced: two texts must not become the same one.
    if (name.includes('\ufffd') || values.some((one) => one.includes('\ufffd')))
      throw bad('malformed_form', 'The body is not a well-formed form in UTF-8.');
    form.set(name, values);
  }
  if (count > MAX_PARAMETERS) throw bad('too_many_parameters', 'The form has too many parameters.');
  for (const [name, values] of form)
    if (values.every((value) => value === '') && values.length === 1) form.delete(name);
  return form;
}

/** What is answered to a body that is longer than `MAX_FORM_BYTES`. */
const bodyTooLarge = (): OAuthError =>
  bad('body_too_large', `The body is longer than ${MAX_FORM_BYTES} bytes.`, 413);

/** The body as it came. Throws OAuthError `invalid_request` with status 413 where it is longer than `MAX_FORM_BYTES`. */
export async function readBody(request: Request): Promise<Buffer> {
  const { body } = await plainOfWeb(request, MAX_FORM_BYTES);
  if (body === null) throw bodyTooLarge();
  return body;
}
