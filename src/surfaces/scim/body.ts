import { jsonBody } from '#lib/body.ts';
import { httpFault, scimFault } from './faults.ts';

const MAX_BYTES = 1024 * 1024;
const TYPES: ReadonlySet<string> = new Set(['application/scim+json', 'application/json']);

/**
 * The JSON of a request in `application/scim+json` (RFC 7644 section 3.1) or `application/json`, with or
 * without a charset. A request without a type counts as JSON. Throws Fault 413 above one mebibyte (without
 * reading the rest), 415 for other types, and `invalidSyntax` for anything but JSON in UTF-8.
 */
export async function readJson(request: Request): Promise<unknown> {
  const type = request.headers.get('content-type')?.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (type !== '' && !TYPES.has(type))
    throw httpFault(415, 'Send application/scim+json or application/json.');
  const body = await jsonBody(request, MAX_BYTES);
  if (body.problem === null) return body.value;
  if (body.problem === 'too_large') throw httpFault(413, `The body can have at most ${MAX_BYTES} bytes.`);
  const words = body.problem === 'not_utf8' ? 'The body is not UTF-8.' : 'The body is not valid JSON.';
  throw scimFault('invalidSyntax', words, { cause: body.cause });
}
