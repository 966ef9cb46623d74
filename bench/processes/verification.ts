import { createPublicKey, randomUUID, sign, verify } from 'node:crypto';
import postgres from 'postgres';
import { parseJwt, signJwt } from '#lib/jwt.ts';
import type { RunningServer } from '../../src/main/server.ts';
import { cpuMicros } from '../harness/channel.ts';
import type { Fixtures } from './fixtures.ts';

/** How many tokens are verified, and what they are made from. */
export interface VerifyWork {
  readonly what: 'ours' | 'floor';
  readonly operations: number;
  readonly concurrency: number;
  /** A delegation token for MCP. Every operation gets one like it, with its own `jti` and signature. */
  readonly token: string;
}

/** The CPU microseconds of one verification. Throws if one is refused. */
export async function runVerification(
  { kernel, url }: RunningServer,
  { tenantId, mandateId }: Fixtures,
  ownerUrl: string,
  { what, operations, concurrency, token }: VerifyWork,
): Promise<number> {
  const parsed = parseJwt(token);
  if (parsed === null) throw new Error('no token');
  const { kid, privateKey } = await kernel.signer(tenantId);
  const tokens = Array.from({ length: operations }, () =>
    signJwt({ ...parsed.header, kid }, { ...parsed.claims, jti: randomUUID() }, privateKey),
  );
  const owner = postgres(ownerUrl, { max: concurrency, onnotice: () => {} });
  const read = () =>
    owner`select id, state from mandates where tenant_id = ${tenantId} and id = ${mandateId}`;
  await Promise.all(Array.from({ length: concurrency }, read));
  const publicKey = createPublicKey(privateKey);
  const data = Buffer.from(parsed.signed, 'latin1');
  const der = sign('sha256', data, privateKey);
  const ours = async (index: number) => void (await kernel.verify(tokens[index] ?? '', `${url}/mcp`));
  const floor = async () => {
    if (!verify('sha256', data, publicKey, der) || (await read()).length !== 1) throw new Error('refused');
  };
  const one = what === 'ours' ? ours : floor;
  let next = 0;
  const from = cpuMicros();
  const work = async () => {
    for (let index = next++; index < operations; index = next++) await one(index);
  };
  await Promise.all(Array.from({ length: concurrency }, work));
  const spent = (cpuMicros() - from) / operations;
  await owner.end({ timeout: 5 });
  return spent;
}
