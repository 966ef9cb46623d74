import { isUtf8 } from 'node:buffer';
import type { FormParameters } from '#domain/token/exchange-request.ts';
import { OAuthError } from '#domain/token/oauth-error.ts';
import { readBody as readBytes } from '#lib/body.ts';

/** Longest form that is read, in bytes. */
const MAX_FORM_BYTES = 16 * 1024;
const MAX_PARAMETERS = 50;

const bad = (reason: string, description: string, status = 400): OAuthError =>
  new OAuthError('invalid_request', reason, description, { status });

/**
 * Reads a form strictly (RFC 6749 section 3.2 and appendix B): `application/x-www-form-urlencoded` in UTF-8, at most `MAX_FORM_BYTES`, nothing in the
 * URL. Parameters without a value are left out; repeated ones are kept, for the reader to refuse. Throws OAuthError `invalid_request` with status
 * 400, 413 or 415.
 */
export const readForm = async (request: Request, query: string): Promise<FormParameters> =>
  parseForm(await readBody(request), request.headers.get('content-type'), query);

/** The same of a body that has been read. */
export function parseForm(bytes: Buffer, contentType: string | null, query: string): FormParameters {
  if (query !== '') throw bad('query', 'Send every parameter in the body of the request, never in its URL.');
  if (
    !/^application\/x-www-form-urlencoded\s*(?:;\s*charset="?utf-8"?\s*)?$/i.test((contentType ?? '').trim())
  ) {
    throw bad('content_type', 'The body must be application/x-www-form-urlencoded.', 415);
  }
  const text = bytes.toString('utf8');
  if (!isUtf8(bytes) || /%(?![0-9a-f]{2})/i.test(text))
    throw bad('malformed_form', 'The body is not a well-formed form in UTF-8.');
  const form = new Map<string, string[]>();
  let count = 0;
  for (const [name, value] of new URLSearchParams(text)) {
    count += 1;
    if (count > MAX_PARAMETERS) throw bad('too_many_parameters', 'The form has too many parameters.');
    // What is not UTF-8 behind its percent signs was replaced: two texts must not become the same one.
    if (value.includes('\ufffd') || name.includes('\ufffd'))
      throw bad('malformed_form', 'The body is not a well-formed form in UTF-8.');
    const values = form.get(name);
    if (values === undefined) form.set(name, [value]);
    else values.push(value);
  }
  for (const [name, values] of form)
    if (values.every((value) => value === '') && values.length === 1) form.delete(name);
  return form;
}

/** The body as it came. Throws OAuthError `invalid_request` with status 413 where it is longer than `MAX_FORM_BYTES`. */
export async function readBody(request: Request): Promise<Buffer> {
  const bytes = await readBytes(request, MAX_FORM_BYTES);
  if (bytes === null) throw bad('body_too_large', `The body is longer than ${MAX_FORM_BYTES} bytes.`, 413);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
