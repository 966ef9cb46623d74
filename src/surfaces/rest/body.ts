import type { z } from 'zod';
import { jsonBody, textBody, type TextProblem } from '#lib/body.ts';
import { Fault } from '#lib/fault.ts';
import { readOrFault } from '#lib/problems.ts';
import { isStorable, NOT_STORABLE } from '#lib/storable.ts';
import { Refusal } from './faults.ts';

/** The longest request body, in bytes. */
export const MAX_BODY_BYTES = 1024 * 1024;

/**
 * The JSON object in a request's body. No body counts as an empty object. Throws Refusal 415 for another
 * media type and 413 above `MAX_BODY_BYTES` (without reading further), and Fault `invalid_input` for anything
 * but a JSON object in UTF-8.
 */
export async function jsonObject(request: Request): Promise<Record<string, unknown>> {
  const body = await jsonBody(request, MAX_BODY_BYTES);
  if (body.problem === 'empty') return {};
  if (body.problem === 'too_large' || body.problem === 'not_utf8') throw unreadable(body);
  const type = (request.headers.get('content-type') ?? '').split(';')[0]!.trim().toLowerCase();
  if (type !== 'application/json' && !/^application\/[\w.-]+\+json$/.test(type)) {
    throw new Refusal(415, 'unsupported_media_type', 'Send the body as application/json.', {
      accept: 'application/json',
    });
  }
  if (body.problem === 'not_json')
    throw new Fault('invalid_input', 'The body is not JSON.', { detail: { reason: 'malformed_json' } });
  const { value } = body;
  if (!isStorable(value)) throw new Fault('invalid_input', NOT_STORABLE);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Fault('invalid_input', 'The body must be one JSON object.');
  return value as Record<string, unknown>;
}

/** The body, parsed by the schema. Throws Fault `invalid_input` with `detail.problems`. */
export const parsed = <S extends z.ZodType>(schema: S, body: unknown): z.infer<S> =>
  readOrFault(schema, body, 'The request body is invalid');

/** Whether the body is sent as a plain text. */
export const isPlainText = (request: Request): boolean =>
  (request.headers.get('content-type') ?? '').split(';')[0]!.trim().toLowerCase() === 'text/plain';

/**
 * A body that is a text. Throws Refusal 413 for more than `MAX_BODY_BYTES`, Fault `invalid_input` for what
 * is not UTF-8 or cannot be stored.
 */
export async function plainText(request: Request): Promise<string> {
  const body = await textBody(request, MAX_BODY_BYTES);
  if (body.problem !== null) throw unreadable(body);
  if (!isStorable(body.text)) throw new Fault('invalid_input', NOT_STORABLE);
  return body.text;
}

const unreadable = ({ problem }: TextProblem): Error =>
  problem === 'too_large'
    ? new Refusal(413, 'too_large', `The body can have at most ${MAX_BODY_BYTES} bytes.`)
    : new Fault('invalid_input', 'The body is not UTF-8.');
