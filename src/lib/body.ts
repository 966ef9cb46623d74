/**
 * The body as it came, or null where it is longer than `maxBytes`. A body whose length was announced is read in one piece (the
 * HTTP parser holds it to that length); any other is counted while it comes, so that nobody makes us hold more than the limit.
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
