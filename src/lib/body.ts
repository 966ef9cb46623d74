/**
 * The body as it was sent, or null if it is longer than `maxBytes`. If the length was announced,
 * the body is read in one piece, because the HTTP parser enforces that length. Otherwise it is
 * counted as it arrives, so a sender cannot make us hold more than the limit.
 */
export async function readBody(request: Request, maxBytes: number): Promise<Uint8Array | null> {
  const announced = request.headers.get('content-length');
  if (announced !== null) {
    return Number(announced) > maxBytes ? null : new Uint8Array(await request.arrayBuffer());
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.byteLength;
    if (size > maxBytes) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
