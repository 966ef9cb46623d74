import type { LoadResult } from '../processes/load.ts';

/** What the last of our rounds looked like on the clock. PostgreSQL and the load share the machine, so it is no capacity. */
export function wallRemark({ milliseconds, p50, p99 }: LoadResult, perRound: number): string {
  const rate = Math.round((perRound / milliseconds) * 1000);
  return `${rate}/s, p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms on the clock`;
}
