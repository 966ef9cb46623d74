import { generateKeyPairSync, sign, verify } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { cpuMicros, serveParent } from '../harness/channel.ts';
import type { Answer } from './load.ts';

/** CPU of one operation each, in microseconds. */
export interface CryptoCost {
  readonly rs256Verify: number;
  readonly es256Sign: number;
  readonly es256Verify: number;
}

/** The floor's methods. */
export type FloorMethods = {
  /** Answers every request with these bytes from now on. Returns the origin. */
  echo: (answer: Answer) => string;
  cpu: (nothing: null) => number;
  /** Runs each primitive this often, over texts of these many bytes. */
  crypto: (work: { operations: number; rs256Bytes: number; es256Bytes: number }) => CryptoCost;
};

let answer: Answer = { status: 503, headers: {}, body: '' };

// The least that any HTTP server in Node does: read the request whole, write the answer.
const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    Buffer.concat(chunks);
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

function cost(operations: number, work: () => unknown): number {
  const from = cpuMicros();
  for (let done = 0; done < operations; done += 1) work();
  return (cpuMicros() - from) / operations;
}

/** Signatures in DER: the cheapest form on Node 24, without the conversion that a JWS needs. */
const crypto: FloorMethods['crypto'] = ({ operations, rs256Bytes, es256Bytes }) => {
  const [long, short] = [Buffer.alloc(rs256Bytes, 'a'), Buffer.alloc(es256Bytes, 'b')];
  const byRsa = sign('sha256', long, rsa.privateKey);
  const byEc = sign('sha256', short, ec.privateKey);
  return {
    rs256Verify: cost(operations, () => verify('sha256', long, rsa.publicKey, byRsa)),
    es256Sign: cost(operations, () => sign('sha256', short, ec.privateKey)),
    es256Verify: cost(operations, () => verify('sha256', short, ec.publicKey, byEc)),
  };
};

serveParent({
  echo: (given: Answer) => {
    answer = given;
    return origin;
  },
  cpu: cpuMicros,
  crypto,
} satisfies FloorMethods);
