/** Reads the stream to its end. Null as soon as it is longer than `maxBytes`; then the rest is not read. */
export async function readLimited(
  stream: AsyncIterable<Uint8Array> | null,
  maxBytes: number,
): Promise<Buffer<ArrayBuffer> | null> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream ?? []) {
    size += chunk.byteLength;
    if (size > maxBytes) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/**
 * The body as it was sent, or null if it is longer than `maxBytes`. If the length was announced,
 * the body is read in one piece, because the HTTP parser enforces that length. Otherwise it is
 * counted as it arrives, so a sender cannot make us hold more than the limit.
 */
export async function readBody(request: Request, maxBytes: number): Promise<Buffer<ArrayBuffer> | null> {
  const announced = request.headers.get('content-length');
  if (announced === null) return readLimited(request.body, maxBytes);
  return Number(announced) > maxBytes ? null : Buffer.from(await request.arrayBuffer());
}

/** A body that could not be read as text. `too_large` is said before the rest is read. */
export type TextProblem =
  | { readonly problem: 'too_large' }
  | { readonly problem: 'not_utf8'; readonly cause: unknown };

/** The body as text, at most `maxBytes` long, or what is wrong with it. The caller words the error. */
export async function textBody(
  request: Request,
  maxBytes: number,
): Promise<{ readonly problem: null; readonly text: string } | TextProblem> {
  const bytes = await readBody(request, maxBytes);
  if (bytes === null) return { problem: 'too_large' };
  try {
    return { problem: null, text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch (cause) {
    return { problem: 'not_utf8', cause };
  }
}

/**
 * The body as JSON in UTF-8, at most `maxBytes` long, or what is wrong with it. `empty`: there is no body.
 * Does not look at the media type, or at what the JSON contains.
 */
export async function jsonBody(
  request: Request,
  maxBytes: number,
): Promise<
  | { readonly problem: null; readonly value: unknown }
  | { readonly problem: 'empty'; readonly cause: unknown }
  | { readonly problem: 'not_json'; readonly cause: unknown }
  | TextProblem
> {
  const body = await textBody(request, maxBytes);
  if (body.problem !== null) return body;
  try {
    return { problem: null, value: JSON.parse(body.text) as unknown };
  } catch (cause) {
    return { problem: body.text === '' ? 'empty' : 'not_json', cause };
  }
}
