/** One step of a story: what is shown, and what it proves. It throws where it does not hold. */
export interface Step {
  readonly name: string;
  readonly title: string;
  run(say: (evidence: string) => void): Promise<string>;
}

/**
 * Runs the steps in order, until one fails. Prints for people, or one JSON object a line. True where all of
 * them held. Says nothing more once `stopped` is aborted: what fails then fails because the server goes.
 */
export async function tell(steps: readonly Step[], json: boolean, stopped: AbortSignal): Promise<boolean> {
  for (const [index, step] of steps.entries()) {
    const began = performance.now();
    const evidence: string[] = [];
    if (!json) console.log(`\n${index + 1}. ${step.title}`);
    let ok = true;
    let detail: string;
    try {
      detail = await step.run((line) => void evidence.push(line));
    } catch (error) {
      ok = false;
      detail = error instanceof Error ? error.message : String(error);
    }
    if (stopped.aborted) return false;
    const ms = Math.round(performance.now() - began);
    if (json) console.log(JSON.stringify({ step: step.name, ok, detail, ms }));
    else {
      for (const line of evidence) console.log(`     ${line}`);
      console.log(`   ${ok ? 'ok  ' : 'FAILED'} ${detail} (${ms} ms)`);
    }
    if (!ok) return false;
  }
  if (json) console.log(JSON.stringify({ demo: 'passed', steps: steps.length }));
  else console.log(`\nThe demo passed: ${steps.length} steps.`);
  return true;
}

/** Throws where a step does not show what it claims; `what` says what was found instead. */
export function must(condition: unknown, what: string): asserts condition {
  if (condition === false || condition === null || condition === undefined) throw new Error(what);
}

/**
 * How long something may take, in seconds, before a step fails: much longer than on any machine that works.
 */
const PATIENCE_SECONDS = 120;

/** Asks until there is an answer; throws after two minutes, with `what` did not happen. */
export async function until<T>(what: string, probe: () => Promise<T | null | undefined | false>): Promise<T> {
  for (const deadline = Date.now() + PATIENCE_SECONDS * 1000; Date.now() < deadline;) {
    const value = await probe();
    if (value !== null && value !== undefined && value !== false) return value;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`This did not happen within ${PATIENCE_SECONDS} s (slow machine?): ${what}`);
}
