/** One step of a story: what is shown, and what it proves. It throws where it does not hold. */
export interface Step {
  readonly name: string;
  readonly title: string;
  run(say: (evidence: string) => void): Promise<string>;
}

/** Runs the steps in order, until one fails. Prints for people, or one JSON object a line. True where all of them held. */
export async function tell(steps: readonly Step[], json: boolean): Promise<boolean> {
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
