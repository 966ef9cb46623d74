import type { Row } from './harness/report.ts';
import type { Stage } from './harness/stage.ts';
import { decide } from './decide.ts';
import { exchange } from './exchange.ts';
import { exchangePeer } from './exchange-peer.ts';
import { introspect } from './introspect.ts';
import { ledgerAppend } from './ledger-append.ts';
import { mcpCall } from './mcp-call.ts';
import { oracle } from './oracle.ts';
import { revokeCascade } from './revoke-cascade.ts';
import { scale } from './scale.ts';
import { scaleLoad } from './scale-load.ts';
import { scimGet } from './scim-get.ts';
import { verify } from './verify.ts';
import { verifyApi } from './verify-api.ts';

/** A benchmark: measures against its own floor, on the given stage. */
export type Benchmark = (stage: Stage) => Promise<Row[]>;

/** Every benchmark by name. The names are contracts: other checks read them. */
export const BENCHMARKS: ReadonlyMap<string, Benchmark> = new Map<string, Benchmark>([
  ['exchange', exchange],
  ['exchange-peer', exchangePeer],
  ['introspect', introspect],
  ['verify', verify],
  ['mcp-call', mcpCall],
  ['scim-get', scimGet],
  ['decide', decide],
  ['verify-api', verifyApi],
  ['revoke-cascade', revokeCascade],
  ['ledger-append', ledgerAppend],
  ['oracle', oracle],
  // In this order: `scale` ends with a freeze.
  ['scale-load', scaleLoad],
  ['scale', scale],
]);

/** Benchmarks that run only if they are named: they fill a company of real size first. */
export const NAMED_ONLY: ReadonlySet<string> = new Set(['scale', 'scale-load']);

/** Benchmarks that run together, by the name of their subject. */
export const GROUPS: ReadonlyMap<string, readonly string[]> = new Map([
  ['tokens', ['exchange', 'exchange-peer', 'introspect', 'verify']],
  ['delegation', ['decide', 'verify-api', 'revoke-cascade', 'ledger-append']],
]);
