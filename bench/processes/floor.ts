import { generateKeyPairSync, sign, verify } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { cpuMicros, serveParent } from '../harness/channel.ts';
import type { Answer } from './load.ts';

/**
 * The signatures per request: for each operation, the number of bytes that it signs or verifies. An absent
 * operation is not run.
 */
export interface FloorCrypto {
  readonly rs256Verify?: number;
  readonly es256Sign?: number;
  readonly es256Verify?: number;
}

/** The methods of the floor. */
export type FloorMethods = {
  /** From now on answers every request with these bytes, after these operations. Returns the origin. */
  echo: (floor: { answer: Answer; crypto: FloorCrypto }) => string;
  cpu: (nothing: null) => number;
};

let answer: Answer = { status: 503, headers: {}, body: '' };
let work: readonly (() => void)[] = [];

// The least that any HTTP server in Node does: read the whole request, write the answer.
const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    Buffer.concat(chunks);
    for (const operation of work) operation();
    response.writeHead(answer.status, {
      ...answer.headers,
      'content-length': Buffer.byteLength(answer.body),
    });
    response.end(answer.body);
  });
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });

/** The operations. Signatures are DER, the cheapest form on Node 24, without the conversion for a JWS. */
function workOf({ rs256Verify, es256Sign, es256Verify }: FloorCrypto): (() => void)[] {
  const list: (() => void)[] = [];
  if (rs256Verify !== undefined) {
    const bytes = Buffer.alloc(rs256Verify, 'a');
    const signature = sign('sha256', bytes, rsa.privateKey);
    list.push(() => void verify('sha256', bytes, rsa.publicKey, signature));
  }
  if (es256Verify !== undefined) {
    const bytes = Buffer.alloc(es256Verify, 'b');
    const signature = sign('sha256', bytes, ec.privateKey);
    list.push(() => void verify('sha256', bytes, ec.publicKey, signature));
  }
  if (es256Sign !== undefined) {
    const bytes = Buffer.alloc(es256Sign, 'c');
    list.push(() => void sign('sha256', bytes, ec.privateKey));
  }
  return list;
}

serveParent({
  echo: (given: { answer: Answer; crypto: FloorCrypto }) => {
    answer = given.answer;
    work = workOf(given.crypto);
    return origin;
  },
  cpu: cpuMicros,
} satisfies FloorMethods);
