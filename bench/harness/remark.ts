import type { LoadResult } from '../processes/load.ts';

/**
 * Rate and latency of our last round by wall clock. PostgreSQL and the load generator share the machine, so
 * they do not show capacity.
 */
export function wallRemark({ milliseconds, p50, p99 }: LoadResult, perRound: number): string {
  const rate = Math.round((perRound / milliseconds) * 1000);
  return `${rate}/s, p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms on the clock`;
}
