import type { Row } from './harness/report.ts';
import type { Stage } from './harness/stage.ts';
import { decide } from './decide.ts';
import { exchange } from './exchange.ts';
import { mcpCall } from './mcp-call.ts';
import { scimGet } from './scim-get.ts';

/** One benchmark: measures against its own floor on the stage that it is given. */
export type Benchmark = (stage: Stage) => Promise<Row[]>;

/** Every benchmark by its name. Names are contracts: other checks read them. */
export const BENCHMARKS: ReadonlyMap<string, Benchmark> = new Map<string, Benchmark>([
  ['exchange', exchange],
  ['mcp-call', mcpCall],
  ['scim-get', scimGet],
  ['decide', decide],
]);
