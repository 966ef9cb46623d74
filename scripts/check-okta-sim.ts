/**
 * Compares the Okta simulator with Okta's own OpenAPI description. Sends every operation that it serves
 * through a recording proxy, mostly with Okta's SDK, and validates each request and answer. Prints one line
 * per operation, then `N passed, M failed`.
 *
 *     npm run check:okta-sim -- management-minimal.yaml
 */
import { startOktaSimulator } from '#sandbox/okta/index.ts';
import { startRecordingProxy, type OperationReport, type RecordingProxy } from './check-okta-sim/proxy.ts';
import { loadOktaSpec, type OktaSpec } from './check-okta-sim/spec.ts';
import { SERVED, walk, type Surprise } from './check-okta-sim/walk.ts';

export { loadOktaSpec, startRecordingProxy, type OktaSpec, type OperationReport, type RecordingProxy };

/**
 * The lines for a set of reports, and how many failures they contain. `expected` names operations that must
 * have been called.
 */
export function summarize(
  reports: Iterable<OperationReport>,
  expected: readonly string[],
  surprises: readonly Surprise[] = [],
): { lines: string[]; failed: number } {
  const seen = [...reports].sort((one, other) => one.name.localeCompare(other.name));
  const lines = seen.map((each) => {
    const summary = `${each.name}  ${each.operationId}  ${each.calls} calls, statuses ${[...each.statuses].sort((one, other) => one - other).join(' ')}`;
    return each.problems.size === 0
      ? `ok    ${summary}`
      : [`FAIL  ${summary}`, ...[...each.problems].map((problem) => `        ${problem}`)].join('\n');
  });
  const missing = expected
    .filter((operationId) => !seen.some((each) => each.operationId === operationId))
    .map((operationId) => `FAIL  ${operationId} was never called`);
  const surprised = surprises.map((each) => `FAIL  ${each.step}: ${each.message}`);
  return {
    lines: [...lines, ...missing, ...surprised],
    failed: seen.filter((each) => each.problems.size > 0).length + missing.length + surprised.length,
  };
}

async function main(file: string): Promise<number> {
  // The SDK would send loopback requests through a proxy from the environment.
  for (const name of ['https_proxy', 'HTTPS_PROXY', 'http_proxy', 'HTTP_PROXY']) delete process.env[name];
  const spec = await loadOktaSpec(file);
  const sim = await startOktaSimulator();
  const proxy = await startRecordingProxy(sim.url, spec);
  try {
    const surprises = await walk(sim, proxy.url);
    const { lines, failed } = summarize(proxy.reports.values(), SERVED, surprises);
    for (const line of lines) console.log(line);
    console.log(`${lines.length - failed} passed, ${failed} failed`);
    return failed === 0 ? 0 : 1;
  } finally {
    await proxy.close();
    await sim.close();
  }
}

if (import.meta.main) {
  const [file] = process.argv.slice(2);
  if (file === undefined) {
    console.error("usage: npm run check:okta-sim -- <path of Okta's management-minimal.yaml>");
    process.exitCode = 2;
  } else process.exitCode = await main(file);
}
